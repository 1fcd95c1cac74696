/** Thrown when the caller handed us nonsense: a malformed review, policy, flag or file. The caller must change it; trying again cannot help. */
export class InputError extends Error {
  override readonly name = 'InputError'
}

/** in-toto statements about an image, in the order of keys that cosign writes. */

export const STATEMENT_VERSIONS = ['v0.1', 'v1'] as const

export type StatementOrder = {
  /** `sha256:` and hex digits. */
  readonly digest: string
  readonly predicateType: string
  readonly version?: (typeof STATEMENT_VERSIONS)[number] | undefined
  readonly predicate?: unknown
}

export function encodeStatement({ digest, predicateType, version = 'v1', predicate = {} }: StatementOrder): string {
  return JSON.stringify({
    _type: `https://in-toto.io/Statement/${version}`,
    subject: [{ digest: { sha256: digest.replace('sha256:', '') }, annotations: {} }],
    predicateType,
    predicate,
  })
}

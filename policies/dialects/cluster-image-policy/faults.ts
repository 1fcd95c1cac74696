/** What can be wrong with a ClusterImagePolicy, in the words of the reference: a sentence, the fields it is about, what more there is to say. */

/** The way to a field from the root of the document. */
export type FieldPath = readonly PropertyKey[]

/** As the reference writes paths: `spec.authorities[0].key`. A key that is no plain word was not written by a friend, and is quoted. */
export function pathText(path: FieldPath): string {
  return path.map(stepText).join('').replace(/^\./, '')
}

export function missing(...paths: readonly FieldPath[]): string {
  return `missing field(s): ${pathTexts(paths)}`
}

/** `shown`: the value, or what may be said of it. */
export function invalid(shown: string, path: FieldPath, detail?: string): string {
  return `invalid value: ${shown}: ${pathText(path)}${detail === undefined ? '' : `: ${detail}`}`
}

export function neither(paths: readonly FieldPath[]): string {
  return `expected exactly one, got neither: ${pathTexts(paths)}`
}

export function both(paths: readonly FieldPath[]): string {
  return `expected exactly one, got both: ${pathTexts(paths)}`
}

export function unknownField(path: FieldPath): string {
  return `unknown field ${JSON.stringify(shortened(String(path.at(-1))))}: ${pathText(path)}`
}

// The rest is ours: the reference supports these, and has no words for a wrong type or a name that occurs twice.

export function notSupportedYet(path: FieldPath): string {
  return `not supported yet: ${pathText(path)}`
}

export function wrongType(expected: string, found: string, path: FieldPath): string {
  return `expected ${expected}, got ${found}: ${pathText(path) || 'the document'}`
}

export function duplicate(shown: string, path: FieldPath): string {
  return `duplicate value: ${shown}: ${pathText(path)}`
}

/** A value as it may be repeated: a text bare when it is one plain word, quoted otherwise, and never at length. */
export function shown(value: unknown): string {
  if (typeof value !== 'string') return 'what is no text'
  return /^[\x21-\x7e]{1,120}$/.test(value) ? value : JSON.stringify(shortened(value))
}

function pathTexts(paths: readonly FieldPath[]): string {
  return paths.map(pathText).toSorted().join(', ')
}

function stepText(step: PropertyKey): string {
  if (typeof step === 'number') return `[${step}]`
  const name = String(step)
  return /^\w+(?:-\w+)*$/.test(name) ? `.${name}` : `[${JSON.stringify(shortened(name))}]`
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

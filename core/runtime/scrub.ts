/** Cuts secrets out of what is about to be logged: values by the names they stand under, and in any text what looks like one. Pure. */

/** What stands in the place of a secret. */
export const CUT = '[cut]'

/** Lists and objects in each other; what lies deeper is no event of ours. */
const DEPTH = 6

/** Shorter than any secret that the forms below could tell from a word. */
const SHORT = 12

/** What one of the forms below could be found in; looked for first, because nearly no text has it. */
const SUSPICIOUS = /["?&;]|eyJ|:\/\/[^\s"'/?#@\\]*@|(?:[rR]|[iI][cC])\s|PRIVATE KEY/

/** Each with what is left of it. Linear: no two neighbouring repetitions can match the same character. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  // RFC 9110, 11.4: credentials after their scheme. A plain word is no credential: "a Bearer challenge".
  [/\b(Bearer|Basic)(\s{1,8})(?![A-Za-z]?[a-z]{0,64}(?![\w.~+/=-]))[\w.~+/=-]{4,}/gi, `$1$2${CUT}`],
  // RFC 7515, RFC 7516: a JSON object in base64url, and what belongs to it. Identity tokens, registry tokens.
  [/\beyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g, CUT],
  // RFC 3986, 3.2.1: name and password in an address.
  [/(:\/\/)[^\s"'/?#@\\]{0,2048}@/g, `$1${CUT}@`],
  // The same, 3.4: blob stores sign their links in the query.
  [/([?&;][\w.~%-]{1,64}=)[^\s"'&;#\\]+/g, `$1${CUT}`],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, CUT],
  // A piece of JSON or YAML in a message: the answer of a token service, the content of a pull secret.
  [
    /("(?:auth|authorization|passw(?:or)?d|pass|secret|[\w-]{0,32}[_-]?token|[\w-]{0,32}secret|private[_-]?key|(?:set-)?cookie)"\s{0,8}:\s{0,8}")(?:[^"\\]|\\[\s\S])*/gi,
    `$1${CUT}`,
  ],
]

/** The text without what looks like a secret. What is cut too much is a query or a word; what is left out must not be one. */
export function scrubText(text: string): string {
  if (text.length < SHORT || !SUSPICIOUS.test(text)) return text
  let clean = text
  for (const [form, rest] of FORMS) clean = clean.replace(form, rest)
  return clean
}

type IsSecret = (name: string) => boolean

/** Plain data without secrets, copied where it holds any; `isSecret` says of a name that what stands under it is one. Errors are left for their serializer. */
export function scrub(value: unknown, isSecret: IsSecret, depth = DEPTH): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value !== 'object' || value === null || value instanceof Error) return value
  return depth === 0 ? CUT : scrubMembers(value as Record<string, unknown>, isSecret, depth - 1)
}

function scrubMembers(from: Readonly<Record<string, unknown>>, isSecret: IsSecret, depth: number): unknown {
  let clean: Record<string, unknown> | undefined
  for (const name of Object.keys(from)) {
    const before = from[name]
    const after = isSecret(name) ? CUT : scrub(before, isSecret, depth)
    if (after === before) continue
    clean ??= (Array.isArray(from) ? [...from] : { ...from }) as Record<string, unknown>
    clean[name] = after
  }
  return clean ?? from
}

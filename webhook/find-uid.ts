/** Finds the uid of a review that cannot be used as a whole, so that even "unreadable" is said to the right request. */

/** The API server writes the uid into the first hundred bytes; this much is looked at in case another one does not. */
export const HEAD_BYTES = 64 * 1024

/** Kubernetes makes UUIDs and promises no form: printable ASCII of a sane length. */
export const UID = /^[!-~]{1,128}$/

// All sticky: each looks only where it is told to. No two alternatives of one begin alike, so none can backtrack far.
const SPACE = /[ \t\r\n]*/y
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy
const SCALAR = /true|false|null|-?[0-9][0-9.eE+-]*/y
const NO_MARK = /[^"[\]{}]*/y

const CLOSER: Readonly<Record<string, string>> = { '{': '}', '[': ']' }

/**
 * Reads `request.uid` from the start of a review, as far as its tokens are sound; undefined when it is not reached
 * in certainty. untrusted: whoever wrote the object may have put a `uid`, a `request`, quotes and brackets into it,
 * so only members of the outermost object and of its request count, and everything else is stepped over whole.
 */
export function findUid(bytes: Uint8Array): string | undefined {
  const { buffer, byteOffset, byteLength } = bytes
  // Latin-1 gives every byte one character: a code point that the cut has halved cannot shift anything.
  const text = Buffer.from(buffer, byteOffset, Math.min(byteLength, HEAD_BYTES)).toString('latin1')
  const request = memberOf(text, skip(SPACE, text, 0), 'request')
  const at = memberOf(text, request, 'uid')
  const uid = at === undefined ? undefined : stringAt(text, at)
  return uid !== undefined && UID.test(uid) ? uid : undefined
}

/** Where the value of the first member of that name begins, in the object that begins at `start`. */
function memberOf(text: string, start: number | undefined, name: string): number | undefined {
  if (start === undefined || text[start] !== '{') return undefined
  let at = skip(SPACE, text, start + 1)
  while (at !== undefined) {
    const value = valueAfterKey(text, at)
    if (value === undefined || stringAt(text, at) === name) return value
    at = nextMember(text, value)
  }
  return undefined
}

function valueAfterKey(text: string, key: number): number | undefined {
  const colon = skip(SPACE, text, skip(STRING, text, key))
  return colon !== undefined && text[colon] === ':' ? skip(SPACE, text, colon + 1) : undefined
}

function nextMember(text: string, value: number): number | undefined {
  const comma = skip(SPACE, text, endOfValue(text, value))
  return comma !== undefined && text[comma] === ',' ? skip(SPACE, text, comma + 1) : undefined
}

function endOfValue(text: string, at: number): number | undefined {
  if (text[at] === '"') return skip(STRING, text, at)
  return text[at] === '{' || text[at] === '[' ? endOfContainer(text, at) : skip(SCALAR, text, at)
}

/** Steps over a list or an object by its strings and brackets; a bracket that closes the wrong kind ends the search. */
function endOfContainer(text: string, start: number): number | undefined {
  const closers: string[] = []
  let at: number | undefined = start
  do {
    const mark: string | undefined = text[at]
    if (mark === '"') at = skip(STRING, text, at)
    else if (mark === undefined || !fits(mark, closers)) return undefined
    else at += 1
    if (closers.length === 0) return at
    at = skip(NO_MARK, text, at)
  } while (at !== undefined)
  return undefined
}

function fits(mark: string, closers: string[]): boolean {
  const closer = CLOSER[mark]
  if (closer === undefined) return closers.pop() === mark
  closers.push(closer)
  return true
}

function stringAt(text: string, at: number): string | undefined {
  const end = skip(STRING, text, at)
  if (end === undefined) return undefined
  try {
    return JSON.parse(text.slice(at, end)) as string
  } catch {
    return undefined
  }
}

/** Where the token ends that begins at `at`; undefined when there is none, or was none before. */
function skip(token: RegExp, text: string, at: number | undefined): number | undefined {
  if (at === undefined) return undefined
  token.lastIndex = at
  return token.test(text) ? token.lastIndex : undefined
}

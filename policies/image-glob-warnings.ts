/** Says in which way a glob that is valid may not do what its author meant: it matches nothing that gets here, or more than it seems. */
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Place } from './glob-automaton.ts'
import { isAccepted, stepsOf } from './glob-automaton.ts'

/** The end of every name that is pinned: `@`, and any digest that `parseDigest` lets through. */
export const ANY_DIGEST: readonly Place[] = ['@', ...'sha256:'.split(''), ...Array<string>(64).fill('0123456789abcdef')]

/** The characters that `parseImageRef` leaves in a name; looser than its grammar, so a glob is called useless only if it is. */
const LOWER_CASE = 'abcdefghijklmnopqrstuvwxyz0123456789.-_'
const PINNED_NAME: readonly Place[] = [
  { oneOrMoreOf: `${LOWER_CASE}:[]` },
  '/',
  { oneOrMoreOf: `${LOWER_CASE}/` },
  ...ANY_DIGEST,
]

/** The sentences to be shown to whoever loads the glob; none for a glob that is as good as it looks. */
export function warningsOf(text: string): readonly string[] {
  const normalised = normalisedOf(text)
  if (normalised === undefined) return ['never matches: it does not begin with the name of a registry']
  const never = [spellingWarning(text, normalised), unpinnedWarning(normalised)].filter(
    warning => warning !== undefined,
  )
  return never.length > 0 ? never : prefixWarnings(text)
}

function spellingWarning(text: string, normalised: string): string | undefined {
  if (normalised === text) return undefined
  return `never matches as it is written, because the names of images are normalised first: write ${normalised}`
}

/** The glob as it would have to be spelt, as far as that can be told before its first wildcard. */
function normalisedOf(text: string): string | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return text.includes('**') ? text : `index.docker.io/library/${text}`
  const head = text.slice(0, slash)
  if (head.includes('*')) return text
  const start = startOf(head)
  if (start === undefined) return undefined
  const rest = text.slice(slash + 1)
  // Docker Hub's own images lie under library/, whoever leaves that out.
  const isShort = start === 'index.docker.io' && !rest.includes('/') && !rest.includes('**')
  return isShort ? `${start}/library/${rest}` : `${start}/${rest}`
}

/** What a name that begins like this begins with once it is normalised. */
function startOf(head: string): string | undefined {
  try {
    const { registry, repository } = parseImageRef(`${head}/any/image`)
    return `${registry}/${repository}`.slice(0, -'/any/image'.length)
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

function unpinnedWarning(text: string): string | undefined {
  if (isAccepted(stepsOf(text), PINNED_NAME)) return undefined
  const tag = /:([^/@]*)$/.exec(text)?.[1]
  return tag === undefined
    ? 'never matches an image that is named by digest, in lower case: end it with @* for any digest'
    : `never matches an image that is named by digest, whose tag is dropped: write @* instead of the tag ${JSON.stringify(tag)}`
}

/** A star right after a name goes on with that name as well as ending it. */
function prefixWarnings(text: string): readonly string[] {
  const prefix = /^([^@]*?[\w.-])\*/.exec(text)?.[1]
  if (prefix === undefined) return []
  const also = `also matches names that only begin like this, such as ${prefix}-evil: write ${prefix}/** for what lies under it`
  return [prefix.includes('/') ? `${also}, ${prefix}@* for this one alone` : also]
}

/** Says which images a policy speaks of: a glob over the normalised name of an image, in the grammar of ClusterImagePolicy. */
import type { ImageRef } from '#core/domain/image-ref.ts'
import { nameOf } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { GlobSteps } from './glob-automaton.ts'
import { isAccepted, stepsOf } from './glob-automaton.ts'
import { ANY_DIGEST, warningsOf } from './image-glob-warnings.ts'

export type ImageGlob = {
  /** As the policy writes it. */
  readonly text: string
  readonly steps: GlobSteps
  /** What stands before the first wildcard. Most images of a cluster differ from most globs here, and are done with. */
  readonly prefix: string
  /** What its author may not have meant by it. */
  readonly warnings: readonly string[]
}

/** No name of an image has half as many; room for any number of wildcards that could be meant. */
const GLOB_CHARACTERS = 1024

const CHARACTERS = /^[a-zA-Z0-9_:/*.@-]+$/

// What Go's filepath.Match takes for a pattern: each class closed and not empty, each backslash followed by something.
// Used for the choice of a message only: `CHARACTERS` refuses classes and backslashes all the same.
const GO_PATTERN = /^(?:[^\\[]|\\.|\[(?!\^[\]-])(?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+\])*$/su

// The reference rewrites these two and no other.
const DOCKER_HUB_SHORTHANDS: ReadonlyMap<string, string> = new Map([
  ['*', 'index.docker.io/library/*'],
  ['*/*', 'index.docker.io/*/*'],
])

/** Parses a glob: `*` is any run without a slash, `**` any run. Throws an InputError in the words of the reference. */
export function parseImageGlob(text: string): ImageGlob {
  if (text.length > GLOB_CHARACTERS)
    throw new InputError(`glob is invalid: expected at most ${GLOB_CHARACTERS} characters, got ${text.length}`)
  if (!GO_PATTERN.test(text)) throw new InputError('glob is invalid: syntax error in pattern')
  if (!CHARACTERS.test(text)) throw new InputError(`glob is invalid: invalid glob ${JSON.stringify(text)}`)
  const shorthand = DOCKER_HUB_SHORTHANDS.get(text)
  const glob = shorthand ?? text
  const warnings = shorthand === undefined ? warningsOf(text) : [`means ${shorthand}: write ** for every image`]
  return { text, steps: stepsOf(glob), prefix: glob.split('*', 1)[0] ?? '', warnings }
}

/**
 * Whether the glob speaks of this image. One named by tag is also spoken of if the glob could match what the tag points
 * at: were it not, a policy for `repo@sha256:*` would be evaded by naming a tag wherever unmatched images are admitted.
 * Which digest that is nobody knows here, so any will do: too many images are matched rather than too few.
 */
export function isImageMatched(glob: ImageGlob, image: ImageRef): boolean {
  if (isNameMatched(glob, image)) return true
  return image.digest === undefined && isRepositoryMatched(glob, `${image.registry}/${image.repository}`)
}

/** Whether the glob matches the name as it stands. What a policy lets pass unseen must be named by it: a guess is not enough. */
export function isNameMatched({ steps, prefix }: ImageGlob, image: ImageRef): boolean {
  const name = nameOf(image)
  return name.startsWith(prefix) && isAccepted(steps, name.slice(prefix.length), prefix.length)
}

function isRepositoryMatched({ steps, prefix }: ImageGlob, repository: string): boolean {
  if (!repository.startsWith(prefix.slice(0, repository.length))) return false
  return isAccepted(steps, [...repository.split(''), ...ANY_DIGEST])
}

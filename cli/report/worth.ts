/** What each thing that is attached to an image is worth to the authorities of a policy, in lines. */
import type { Finding } from '#core/domain/fact.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Proof } from '#core/domain/proof.ts'
import { isImageMatched } from '#policies/image-glob.ts'
import type { Leaf } from '#policies/leaves.ts'
import type { Policy, Requirement } from '#policies/policy.ts'
import { wordsOf } from './demand.ts'
import { type Numbered, worthOf } from './explained.ts'
import type { Paint } from './paint.ts'
import { some } from './text.ts'
import { visible } from './visible.ts'

type Scene = { readonly exhibits: readonly Numbered[]; readonly paint: Paint }

/** `policy shop (enforce), for its glob ghcr.io/acme/**`, and what it requires below. */
export function renderPolicy(policy: Policy, image: ImageRef, scene: Scene): readonly string[] {
  const glob = policy.images.find(glob => isImageMatched(glob, image))?.text ?? ''
  const title = `policy ${policy.name} (${policy.mode}), from ${policy.source}, for its glob ${glob}`
  return [visible(title), ...renderRequirement(policy.requires, scene, '  ')]
}

function renderRequirement(requirement: Requirement, scene: Scene, indent: string): readonly string[] {
  switch (requirement.kind) {
    case 'all-of':
      return renderBranch('all of', requirement.of, scene, indent)
    case 'any-of':
      return renderBranch('any one of', requirement.of, scene, indent)
    case 'at-least':
      return renderBranch(`${requirement.signers} distinct signers among`, requirement.of, scene, indent)
    case 'proven':
    case 'static':
    case 'invalid':
      return renderLeaf(requirement, scene, indent)
    default:
      throw new TypeError(`no words for ${JSON.stringify(requirement satisfies never)}`)
  }
}

function renderBranch(word: string, of: readonly Requirement[], scene: Scene, indent: string): readonly string[] {
  const [only, ...others] = of
  if (only !== undefined && others.length === 0) return renderRequirement(only, scene, indent)
  return [`${indent}${word}:`, ...of.flatMap(branch => renderRequirement(branch, scene, `${indent}  `))]
}

function renderLeaf(leaf: Leaf, { exhibits, paint }: Scene, indent: string): readonly string[] {
  if (leaf.kind === 'invalid') return [visible(`${indent}nothing can satisfy it, it is not valid: ${leaf.detail}`)]
  const title = `${indent}authority ${leaf.authority}: `
  if (leaf.kind === 'static') {
    const action = leaf.action === 'pass' ? 'lets the image pass, whatever is attached to it' : 'forbids the image'
    return [visible(`${title}${action}${leaf.message === '' ? '' : ` (${leaf.message})`}`)]
  }
  const lines = some(exhibits, ({ number, exhibit }) => [
    `${indent}  [${number}] ${renderWorth(worthOf(exhibit, leaf.demand), exhibit.claimed.kind === 'claimed', paint)}`,
  ])
  return [
    visible(`${title}wants ${wordsOf(leaf.demand)}`),
    ...(lines.length > 0 ? lines : [`${indent}  nothing is there`]),
  ]
}

function renderWorth(found: Finding | undefined, isReadable: boolean, paint: Paint): string {
  if (!isReadable) return `${paint('red', 'does not count')}: it cannot be read`
  if (found === undefined) return `${paint('gray', 'is not looked at')}: it does not lie where this authority looks`
  if (found.kind === 'proof') return `${paint('green', 'counts')}: ${visible(factsOf(found))}`
  const word = found.kind === 'refusal' ? paint('red', 'does not count') : paint('yellow', 'cannot be told')
  return `${word}: ${found.code}: ${visible(found.detail)}`
}

/** Who signed, where it is logged and when that was. */
function factsOf({ signer, logs, signedAt }: Proof): string {
  const who =
    signer.kind === 'key'
      ? `signed by key ${signer.fingerprint}`
      : `signed by ${signer.subjects.join(', ')} vouched for by ${signer.issuer}`
  const logged = logs.length === 0 ? '' : `, in the log ${logs.join(', ')}`
  return `${who}${logged}${signedAt === undefined ? '' : `, at ${signedAt}`}`
}

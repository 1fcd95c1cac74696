/**
 * The closed table of everything Shedu can say no with: a code, a sentence, a remedy.
 * The code is the metric label, the anchor in docs/codes.md and the name by which tests provoke it.
 * `refused`: known and refused. `silent`: the world did not answer, so nothing is known; the answer is closed all the same.
 */
type Entry = { readonly kind: 'refused' | 'silent'; readonly sentence: string; readonly remedy: string }

export const CODES = {
  'image.reference-invalid': {
    kind: 'refused',
    sentence: 'the image reference cannot be read',
    remedy: 'write it as registry/repository:tag or registry/repository@sha256:<64 hex digits>',
  },
  'image.not-pinned': {
    kind: 'refused',
    sentence: 'the image is named by a tag, which can be moved; only a digest can be admitted',
    remedy:
      'name the image by digest, or ask the cluster administrator to enable the mutating webhook, which pins tags',
  },
  'image.not-found': {
    kind: 'refused',
    sentence: 'the registry has no such image',
    remedy: 'check the spelling of repository, tag and digest, and that the image was pushed',
  },
  'image.digest-mismatch': {
    kind: 'refused',
    sentence: 'the registry answered with content that does not have the digest it was asked for',
    remedy: 'do not use this image; have whoever runs the registry find out why its content has changed',
  },
  'image.ambiguous-manifest': {
    kind: 'refused',
    sentence: 'the manifest can be read in more than one way, or not at all',
    remedy: 'build and push the image again with a current tool',
  },
  'image.unsigned': {
    kind: 'refused',
    sentence: 'the image carries no signature',
    remedy:
      'sign the digest with a key this policy accepts (cosign sign --key KEY IMAGE@DIGEST), or use a signed image',
  },
  'signature.invalid': {
    kind: 'refused',
    sentence: 'the signature on the image is damaged or does not fit what it claims to sign',
    remedy:
      'sign the image again; if it was signed correctly before, find out who changed the signature in the registry',
  },
  'signature.wrong-key': {
    kind: 'refused',
    sentence: 'no signature on the image verifies with a key this policy accepts',
    remedy: 'sign the image with an accepted key, or ask the owner of the policy whether the signing key has changed',
  },
  'signature.wrong-image': {
    kind: 'refused',
    sentence: 'the signature on the image was made for another image',
    remedy: 'sign this very digest; a signature cannot be copied from one image to another',
  },
  'attestation.wrong-type': {
    kind: 'refused',
    sentence: 'what is attached to the image is an attestation, not a signature',
    remedy: 'sign the image as well as attesting it (cosign sign --key KEY IMAGE@DIGEST)',
  },
  'policy.none-matched': {
    kind: 'refused',
    sentence: 'no policy covers this image',
    remedy: 'use an image that a policy covers, or ask the cluster administrator for a policy for this one',
  },
  'policy.invalid': {
    kind: 'refused',
    sentence: 'a policy that speaks of this image is not valid, so nothing can satisfy it',
    remedy:
      'have the cluster administrator correct the policy (kubectl describe clusterimagepolicy shows what is wrong with it)',
  },
  'policy.static-deny': {
    kind: 'refused',
    sentence: 'a policy forbids this image',
    remedy: 'use another image, or talk to the owner of the policy',
  },
  'limit.exceeded': {
    kind: 'refused',
    sentence: 'there is more here than Shedu is willing to read',
    remedy: 'reduce what the detail names; the limits are listed in docs/limits.md',
  },
  'registry.unauthorized': {
    kind: 'silent',
    sentence: 'the registry did not let Shedu look at the image',
    remedy:
      'check that the image exists, and that the cluster administrator has given Shedu credentials for this registry',
  },
  'registry.throttled': {
    kind: 'silent',
    sentence: 'the registry asked Shedu to come back later',
    remedy: 'try again in a minute; if it goes on, the cluster administrator can raise the rate limit or use a mirror',
  },
  'registry.unreachable': {
    kind: 'silent',
    sentence: 'the registry did not answer usably, so nothing is known about the image',
    remedy: 'try again; if it goes on, check the registry, its address and the network between it and the cluster',
  },
  'deadline.exceeded': {
    kind: 'silent',
    sentence: 'the time allowed ran out before the image could be checked',
    remedy:
      'try again; if it goes on, the registry is too slow, or more time must be given (timeoutSeconds of the webhook, at most 30, or --timeout of shedu check)',
  },
  'internal.error': {
    kind: 'silent',
    sentence: 'Shedu itself failed, and does not admit what it could not judge',
    remedy: 'tell whoever runs Shedu; its log says more',
  },
} as const satisfies Readonly<Record<string, Entry>>

export type Code = keyof typeof CODES
type CodeOf<Kind extends Entry['kind']> = { [C in Code]: (typeof CODES)[C]['kind'] extends Kind ? C : never }[Code]
export type RefusalCode = CodeOf<'refused'>
export type SilenceCode = CodeOf<'silent'>

/** A verified no. `detail` is the particular: expected and found, foreign text quoted, never a secret. */
export type Refusal = { readonly kind: 'refusal'; readonly code: RefusalCode; readonly detail: string }

/** The world did not answer. Neither a yes nor a no; never cached. */
export type Silence = { readonly kind: 'silence'; readonly code: SilenceCode; readonly detail: string }

export function refusal(code: RefusalCode, detail: string): Refusal {
  return { kind: 'refusal', code, detail }
}

export function silence(code: SilenceCode, detail: string): Silence {
  return { kind: 'silence', code, detail }
}

/** From what says most about the fault to what says least: a signature for another image is stranger than none. */
const TELLING: Readonly<Record<RefusalCode, number>> = {
  'image.reference-invalid': 1,
  'image.not-found': 2,
  'image.digest-mismatch': 3,
  'image.ambiguous-manifest': 4,
  'image.not-pinned': 5,
  'signature.wrong-image': 6,
  'signature.invalid': 7,
  'signature.wrong-key': 8,
  // Below the signatures: a large SBOM beside one by a stranger is not what is wrong with the image.
  'limit.exceeded': 9,
  'attestation.wrong-type': 10,
  'image.unsigned': 11,
  'policy.invalid': 12,
  'policy.static-deny': 13,
  'policy.none-matched': 14,
}

/** The refusal that helps its reader most; the same one whatever the order they come in. */
export function mostTelling(refusals: readonly Refusal[]): Refusal | undefined {
  const order = (a: Refusal, b: Refusal) => TELLING[a.code] - TELLING[b.code] || (a.detail < b.detail ? -1 : 1)
  return refusals.toSorted(order)[0]
}

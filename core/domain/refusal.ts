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
      'sign the digest as this policy demands it (cosign sign IMAGE@DIGEST, with --key KEY where it names a key), or use a signed image',
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
  'signature.wrong-identity': {
    kind: 'refused',
    sentence: 'the image is signed by somebody whom this policy does not name',
    remedy:
      'sign the image as an identity that this policy names, or ask the owner of the policy whether the signer has changed',
  },
  'signature.too-few-signers': {
    kind: 'refused',
    sentence: 'fewer distinct signers than this policy demands have signed the image',
    remedy: 'have further signers sign the image; two signatures by one signer count once',
  },
  'certificate.invalid': {
    kind: 'refused',
    sentence: 'the certificate of the signer cannot be read, or contradicts itself',
    remedy: 'sign the image again with a current tool',
  },
  'certificate.untrusted': {
    kind: 'refused',
    sentence: 'the certificate of the signer was not issued by an authority that this cluster trusts',
    remedy:
      'sign with certificates of a trusted authority, or have the cluster administrator bring the trust root up to date',
  },
  'certificate.expired': {
    kind: 'refused',
    sentence:
      'the certificate of the signer was not valid when the image was signed, as far as anybody has witnessed that',
    remedy:
      'sign the image again; a certificate that lives minutes needs a log entry or a timestamp that proves when it was used',
  },
  'certificate.not-for-signing': {
    kind: 'refused',
    sentence: 'the certificate of the signer was issued for something else than signing code',
    remedy: 'sign with a certificate that is issued for code signing',
  },
  'sct.missing': {
    kind: 'refused',
    sentence: 'the certificate of the signer carries no promise of a certificate log',
    remedy:
      'use an authority that logs its certificates, or have the policy say insecureIgnoreSCT if the authority has no such log',
  },
  'sct.invalid': {
    kind: 'refused',
    sentence: 'the promise of a certificate log in the certificate of the signer does not verify',
    remedy: 'have the cluster administrator bring the trust root up to date; if it is, do not use this image',
  },
  'sct.untrusted': {
    kind: 'refused',
    sentence:
      'the certificate of the signer was promised to a certificate log that this cluster does not trust, or did not when it was',
    remedy:
      'have the cluster administrator bring the trust root up to date, or sign with certificates of a trusted authority',
  },
  'log.missing': {
    kind: 'refused',
    sentence: 'nothing proves that the signature was entered in a transparency log, as this policy demands',
    remedy: 'sign the image with a tool that logs signatures (cosign does unless told otherwise)',
  },
  'log.mismatch': {
    kind: 'refused',
    sentence: 'the log entry that comes with the signature is about something else',
    remedy:
      'sign the image again; if it was signed correctly before, find out who changed the signature in the registry',
  },
  'log.untrusted': {
    kind: 'refused',
    sentence: 'the signature was entered in a log that this cluster does not trust, or did not when it was',
    remedy: 'use a trusted log, or have the cluster administrator bring the trust root up to date',
  },
  'log.invalid': {
    kind: 'refused',
    sentence: 'what should prove that the log holds the signature does not verify',
    remedy:
      'sign the image again; if it was signed correctly before, find out who changed the signature in the registry',
  },
  'time.missing': {
    kind: 'refused',
    sentence: 'no timestamp of a trusted authority comes with the signature, as this policy demands',
    remedy: 'sign the image with a timestamp (cosign sign --timestamp-server-url URL)',
  },
  'time.untrusted': {
    kind: 'refused',
    sentence: 'the timestamp was made by an authority that this cluster does not trust, or did not when it was made',
    remedy: 'use a trusted timestamp authority, or have the cluster administrator bring the trust root up to date',
  },
  'time.invalid': {
    kind: 'refused',
    sentence: 'the timestamp cannot be read, does not verify, or was made for something else',
    remedy:
      'sign the image again; if it was signed correctly before, find out who changed the signature in the registry',
  },
  'attestation.missing': {
    kind: 'refused',
    sentence: 'the image carries no attestation of the type that this policy demands',
    remedy: 'attest the image (cosign attest --type TYPE --predicate FILE IMAGE@DIGEST), or use one that is attested',
  },
  'attestation.wrong-type': {
    kind: 'refused',
    sentence: 'what is attached to the image is an attestation, not a signature',
    remedy:
      'sign the image as well as attesting it (cosign sign IMAGE@DIGEST, with --key KEY where the policy names a key)',
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
  'registry.not-asked': {
    kind: 'silent',
    sentence: 'the registry may not be asked (--offline), and the cache folder does not hold its answer',
    remedy:
      'run once without --offline, with the same --cache and --registries, so that the answer is kept; until then nothing is known about the image',
  },
  'deadline.exceeded': {
    kind: 'silent',
    sentence: 'the time allowed ran out before the image could be checked',
    remedy:
      'try again; if it goes on, the registry is too slow, or more time must be given (timeoutSeconds of the webhook, at most 30, or --timeout of shedu check)',
  },
  'trust.missing': {
    kind: 'silent',
    sentence: 'the trust root that a policy rests on is not loaded, so nothing can be verified with it',
    remedy:
      'have the cluster administrator put the trusted_root.json in place (docs/trust-roots.md); on the command line, name its folder (--trust-roots)',
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
  'log.mismatch': 8,
  'log.invalid': 9,
  'time.invalid': 10,
  'certificate.invalid': 11,
  'sct.invalid': 12,
  'certificate.not-for-signing': 13,
  'certificate.expired': 14,
  'certificate.untrusted': 15,
  'sct.missing': 16,
  'sct.untrusted': 17,
  'log.untrusted': 18,
  'time.untrusted': 19,
  'log.missing': 20,
  'time.missing': 21,
  // Whoever is a stranger is told so last: a good signer whose log entry is damaged is nearer to what is wanted.
  'signature.wrong-identity': 22,
  'signature.wrong-key': 23,
  'signature.too-few-signers': 24,
  // Below the signatures: a large SBOM beside one by a stranger is not what is wrong with the image.
  'limit.exceeded': 25,
  'attestation.wrong-type': 26,
  'attestation.missing': 27,
  'image.unsigned': 28,
  'policy.invalid': 29,
  'policy.static-deny': 30,
  'policy.none-matched': 31,
}

/** The refusal that helps its reader most; the same one whatever the order they come in. */
export function mostTelling(refusals: readonly Refusal[]): Refusal | undefined {
  const order = (a: Refusal, b: Refusal) => TELLING[a.code] - TELLING[b.code] || (a.detail < b.detail ? -1 : 1)
  return refusals.toSorted(order)[0]
}

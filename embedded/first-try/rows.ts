/** The requests of the first try, and what must become of each. */

export type Row = {
  readonly title: string
  /** Images of the Pod, without the registry's host. */
  readonly images: readonly string[]
  readonly timeoutSeconds: number
  readonly expect: {
    readonly isAllowed: boolean
    /** The code that the refusal or the warning must name. */
    readonly code?: string
  }
}

/** What the API server sends unless a webhook configuration says otherwise. */
const USUAL_SECONDS = 10

/** Short, so that nobody waits twenty seconds to see a deadline pass. */
const SHORT_SECONDS = 2

function row(title: string, images: readonly string[], code?: string, timeoutSeconds = USUAL_SECONDS): Row {
  return {
    title,
    images,
    timeoutSeconds,
    expect: code === undefined ? { isAllowed: true } : { isAllowed: false, code },
  }
}

export const ROWS: readonly Row[] = [
  row('signed', ['shop/web:v1']),
  row('signed by cosign 2 (recorded)', ['recorded/key-legacy-nolog:v1']),
  row('signed by cosign 3 (recorded)', ['recorded/key-bundle-nolog:v1']),
  row('unsigned', ['shop/unsigned:v1'], 'image.unsigned'),
  row('signed by another key', ['shop/stranger:v1'], 'signature.wrong-key'),
  row('one byte of the signed text changed', ['shop/forged:v1'], 'signature.invalid'),
  row('one byte of the image changed', ['shop/changed:v1'], 'image.digest-mismatch'),
  row('tag moved after signing', ['shop/moved:v1'], 'image.unsigned'),
  row('three images, one of them bad', ['shop/web:v1', 'shop/unsigned:v1', 'shop/side:v1'], 'image.unsigned'),
  row('signed without a key, by the build that releases', ['keyless/web:v1']),
  row('signed without a key by cosign 3 (recorded)', ['recorded/keyless-bundle-rekor2-tsa:v1']),
  row('signed without a key, by somebody else', ['keyless/mallory:v1'], 'signature.wrong-identity'),
  row('certified by an authority of the right name and the wrong key', ['keyless/forged:v1'], 'certificate.untrusted'),
  row('signed, and entered in no log', ['keyless/unlogged:v1'], 'log.missing'),
  row('provenance attested by the build', ['proven/web:v1']),
  row('signed by the build, provenance missing', ['proven/signed:v1'], 'attestation.missing'),
  row('no policy matches', ['elsewhere/app:v1'], 'policy.none-matched'),
  {
    title: 'unsigned, policy in warn mode',
    images: ['trial/app:v1'],
    timeoutSeconds: USUAL_SECONDS,
    expect: { isAllowed: true, code: 'image.unsigned' },
  },
  row('registry down', ['shop/down:v1'], 'registry.unreachable'),
  row(
    `registry that never answers, asked with ${SHORT_SECONDS} s for each webhook`,
    ['shop/slow:v1'],
    'deadline.exceeded',
    SHORT_SECONDS,
  ),
]

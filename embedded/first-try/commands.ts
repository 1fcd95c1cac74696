/** What is typed at the real API server, and what must come of it. HOST stands for the registry. */

export type Command = {
  readonly title: string
  readonly words: string
  readonly isDone: boolean
  /** Must stand in what kubectl prints. */
  readonly says: string
}

function done(title: string, words: string, says: string): Command {
  return { title, words, isDone: true, says }
}

function refused(title: string, words: string, says: string): Command {
  return { title, words, isDone: false, says }
}

export const COMMANDS: readonly Command[] = [
  done('a signed image', 'apply -f good.yaml', 'pod/good created'),
  done('is stored with the digest that was verified', 'get pod good --output=jsonpath={..image}', '@sha256:'),
  refused('an unsigned image', 'apply -f bad.yaml', 'image.unsigned'),
  refused('signed by another key', 'run stranger --image=HOST/shop/stranger:v1', 'signature.wrong-key'),
  refused('one byte of the signed text changed', 'run forged --image=HOST/shop/forged:v1', 'signature.invalid'),
  refused('one byte of the image changed', 'run changed --image=HOST/shop/changed:v1', 'image.digest-mismatch'),
  done('signed without a key', 'run released --image=HOST/keyless/web:v1', 'pod/released created'),
  refused('the same by somebody else', 'run mallory --image=HOST/keyless/mallory:v1', 'signature.wrong-identity'),
  refused('provenance missing', 'run unproven --image=HOST/proven/signed:v1', 'attestation.missing'),
  refused('no policy matches', 'run elsewhere --image=HOST/elsewhere/app:v1', 'policy.none-matched'),
  done('unsigned, policy in warn mode', 'run trial --image=HOST/trial/app:v1', 'image.unsigned'),
  refused('registry down', 'run down --image=HOST/shop/down:v1', 'registry.unreachable'),
  done('a signed Deployment', 'create deployment web --image=HOST/shop/web:v1', 'created'),
  refused('its image, set to an unsigned one', 'set image deployment/web web=HOST/shop/unsigned:v1', 'image.unsigned'),
  done('it goes on as it was', 'get deployment web --output=jsonpath={..image}', '/shop/web:v1@sha256:'),
  done('deleting is never in the way', 'delete deployment web', 'deleted'),
]

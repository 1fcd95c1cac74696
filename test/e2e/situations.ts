/** What people type and are refused for: the sections of docs/refusals.md. REGISTRY is one that works, FAULTY one that does not. */
import { makeDeployment, makePod } from './objects.ts'

export type Situation = {
  readonly title: string
  /** Lies beside the terminal before anything is typed, and is shown on the page. */
  readonly file?: { readonly name: string; readonly object: object }
  readonly typed: string
  /** What kubectl must say for the section to be about what its title says. */
  readonly says: string
  /** What the reader does now, in Markdown; the remedy that kubectl prints is not repeated. */
  readonly todo: string
}

const UNSIGNED = 'REGISTRY/shop/unsigned:v1'

/** With everything at work but the registry FAULTY, which holds what is signed without keys besides, and a Deployment `old` that ran unsigned before the gate was closed. */
export const SITUATIONS: readonly Situation[] = [
  {
    title: 'The image carries no signature',
    file: { name: 'web.yaml', object: makePod('web', UNSIGNED) },
    typed: 'apply -f web.yaml',
    says: 'image.unsigned',
    todo: 'Nothing was stored. Sign the digest that stands in the first line of the block, in the build that made the image, and apply again; a refusal is remembered for five seconds only. `npx shedu check -f web.yaml --policies …` gives the same answer before the cluster is asked.',
  },
  {
    title: 'Somebody else signed the image',
    typed: 'run web --image=REGISTRY/shop/stranger:v1',
    says: 'signature.wrong-key',
    todo: 'The fingerprint is the SHA-256 of the accepted public key: `openssl pkey -pubin -in KEY.pub -outform DER | sha256sum` prints that of a key at hand. If your build signs with a new key, the policy has to name it too.',
  },
  {
    title: 'The signature is damaged',
    typed: 'run web --image=FAULTY/shop/forged:v1',
    says: 'signature.invalid',
    todo: 'No mistake in your YAML does this. Tell whoever runs the registry.',
  },
  {
    title: 'Somebody whom the policy does not name signed the image without a key',
    typed: 'run web --image=FAULTY/released/mallory:v1',
    says: 'signature.wrong-identity',
    todo: 'A signature without a key is by whoever the certificate names: here a build, vouched for by its issuer. Have the build sign that the policy names; if the release has moved to another one, the policy has to name that.',
  },
  {
    title: 'The certificate is of an authority that the cluster does not trust',
    typed: 'run web --image=FAULTY/released/forged:v1',
    says: 'certificate.untrusted',
    todo: 'Whoever signed has used another Sigstore than the one that the trust root of the cluster is of, or the trust root is older than the authority: [trust-roots.md](trust-roots.md). If neither is so, do not use the image: anybody can make an authority of that name.',
  },
  {
    title: 'The signature is in no log',
    typed: 'run web --image=FAULTY/released/unlogged:v1',
    says: 'log.missing',
    todo: 'A certificate lives ten minutes, and a log that nobody can rewrite is what proves that it was alive. Sign without `--tlog-upload=false`, or with a signing config that names a log.',
  },
  {
    title: 'The image has no provenance',
    typed: 'run web --image=FAULTY/proven/signed:v1',
    says: 'attestation.missing',
    todo: 'Whatever else is attached to the image does not count here, not even a signature by the build that the policy names. The type stands in the policy; cosign has short names for some (`slsaprovenance1` for this one).',
  },
  {
    title: 'There is an attestation where a signature is asked for',
    typed: 'run web --image=FAULTY/released/attested:v1',
    says: 'attestation.wrong-type',
    todo: 'What is attested was made by the right build and proves what it says, but nobody has said with it that this image may run.',
  },
  {
    title: 'The policy rests on a trust root that is not there',
    typed: 'run web --image=FAULTY/untrusted/web:v1',
    says: 'trust.missing',
    todo: 'Nothing is wrong with the image or the YAML. The name is that of a file in the folder of trust roots: [trust-roots.md](trust-roots.md). Once it is there, the next question is answered by it.',
  },
  {
    title: 'There is no such image',
    typed: 'run web --image=REGISTRY/shop/wep:v1',
    says: 'image.not-found',
    todo: 'The warnings come from pinning, which is tried first; the refusal says the same once more.',
  },
  {
    title: 'The name of the image cannot be read',
    file: { name: 'web.yaml', object: makePod('web', 'REGISTRY/Shop/web:v1') },
    typed: 'apply -f web.yaml',
    says: 'image.reference-invalid',
    todo: 'Names of repositories are written in small letters.',
  },
  {
    title: 'No policy speaks of the image',
    typed: 'run web --image=REGISTRY/elsewhere/web:v1',
    says: 'policy.none-matched',
    todo: 'Often a slip in the name. For a whole new repository, the cluster administrator writes a policy, or lets such images through with `SHEDU_NO_MATCH`.',
  },
  {
    title: 'A policy forbids the image',
    typed: 'run web --image=REGISTRY/withdrawn/web:v1',
    says: 'policy.static-deny',
    todo: 'Ask whoever owns the policy that is named.',
  },
  {
    title: 'Several images are refused at once',
    file: {
      name: 'web.yaml',
      object: makeDeployment('web', {
        initContainers: [{ name: 'migrate', image: 'REGISTRY/shop/stranger:v1' }],
        containers: [
          { name: 'app', image: 'REGISTRY/shop/web:v1' },
          { name: 'proxy', image: UNSIGNED },
        ],
      }),
    },
    typed: 'apply -f web.yaml',
    says: '2 images refused',
    todo: 'Each block begins with the field it is about; what has no block is fine. Neither the Deployment nor any Pod was made.',
  },
  {
    title: 'A changed file is applied',
    file: { name: 'running.yaml', object: makeDeployment('running', UNSIGNED) },
    typed: 'apply -f running.yaml',
    says: 'error when applying patch',
    todo: 'kubectl prints the whole patch first; what Shedu says begins after `denied the request`. What runs goes on running, unchanged. With `kubectl apply --server-side` the patch is not printed. `kubectl replace --force` is another matter: it deletes first, and a refusal comes too late.',
  },
  {
    title: 'The image of a Deployment is changed',
    typed: `set image deployment/running app=${UNSIGNED}`,
    says: 'failed to patch image update',
    todo: 'What runs goes on running, unchanged, and `kubectl rollout undo` is not needed.',
  },
  {
    title: 'A container is added for debugging',
    typed: `debug pod/pod --profile=general --container=look --image=${UNSIGNED}`,
    says: 'spec.ephemeralContainers[0].image',
    todo: 'Tools for debugging are images like all others: sign them, or have a policy for them.',
  },
  {
    title: 'A Deployment is there, and its Pods are missing',
    typed: 'get deployment old --output=jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}',
    says: 'image.unsigned',
    todo: 'The Deployment ran before signatures were asked for. It may be scaled down, labelled and deleted, but new Pods of it are judged as new, and `kubectl scale` and `kubectl rollout restart` do not show what becomes of them. `kubectl describe replicaset` prints the same text among the events. Sign the image, or set a signed one; Kubernetes tries again by itself.',
  },
  {
    title: 'The registry does not answer',
    typed: 'run web --image=FAULTY/shop/down:v1',
    says: 'registry.unreachable',
    todo: 'Nothing is known about the image, so it is not admitted. What this webhook has verified within the last hour is admitted by its digest all the same, so that new Pods of what runs already can start.',
  },
  {
    title: 'The registry begins to answer, and does not end',
    typed: 'run web --image=FAULTY/shop/dripping:v1',
    says: 'the answer was not whole within the time allowed',
    todo: 'One answer has eight seconds in all, however steadily it comes ([limits.md](limits.md#what-a-registry-may-send)). Pinning and judging each waited for one.',
  },
  {
    title: 'The registry is too slow',
    typed: 'run web --image=FAULTY/shop/slow:v1',
    says: 'deadline.exceeded',
    todo: 'Each answer came in time, and all of them together did not.',
  },
  {
    title: 'A policy only warns',
    typed: 'run web --image=REGISTRY/trial/web:v1',
    says: 'pod/web created',
    todo: 'The Pod was made. Once the policy says `mode: enforce`, it would not be.',
  },
]

/** With the MutatingWebhookConfiguration gone. */
export const WITHOUT_PINNING: Situation = {
  title: 'Tags are not pinned in this cluster',
  typed: 'run web --image=REGISTRY/shop/web:v1',
  says: 'image.not-pinned',
  todo: 'The image is good, but a tag may point elsewhere when the node pulls it. Only an administrator can mend this: the MutatingWebhookConfiguration is missing, or its rules leave this resource out.',
}

/** With both configurations there and the webhook gone. */
export const WITHOUT_WEBHOOK: Situation = {
  title: 'Shedu itself does not answer',
  typed: 'run web --image=REGISTRY/shop/web:v1',
  says: 'failed calling webhook',
  todo: 'These are the words of the API server, and `failurePolicy: Fail` is why it refuses. Deleting still works, and so does everything in the namespaces that the configuration spares. An administrator looks at the Pods of Shedu; if it cannot be mended quickly, `kubectl delete validatingwebhookconfiguration/shedu mutatingwebhookconfiguration/shedu` opens the gate, for unsigned images as well, until the configurations are applied again.',
}

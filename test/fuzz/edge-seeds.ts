/** What registries, API servers and administrators write, as far as none of it was recorded. */
import { readKeys } from '#test/support/read-layout.ts'

export const REVIEW = JSON.stringify({
  kind: 'AdmissionReview',
  apiVersion: 'admission.k8s.io/v1',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'shop',
    name: 'web',
    operation: 'UPDATE',
    userInfo: { username: 'someone', groups: ['system:authenticated'] },
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [{ image: 'r.test/a' }] } },
    oldObject: null,
    dryRun: false,
  },
})

export const POLICY = JSON.stringify({
  apiVersion: 'policy.sigstore.dev/v1beta1',
  kind: 'ClusterImagePolicy',
  metadata: { name: 'fuzzed' },
  spec: {
    images: [{ glob: 'ghcr.io/acme/**' }, { glob: 'index.docker.io/library/*:v1' }],
    authorities: [
      {
        name: 'key',
        key: { data: readKeys().get('p256.pub'), hashAlgorithm: 'sha256' },
        ctlog: { url: 'https://r.test' },
      },
      {
        name: 'keyless',
        keyless: {
          identities: [
            { issuerRegExp: '^https://issuer\\.test$', subjectRegExp: '^https://ci\\.test/(a|b)/.*@v[0-9]{1,3}$' },
            { issuer: 'https://issuer.test', subject: 'alice@acme.test' },
          ],
        },
        attestations: [{ name: 'built', predicateType: 'https://slsa.dev/provenance/v1' }],
        rfc3161timestamp: { trustRootRef: 'default' },
      },
      { static: { action: 'fail', message: 'no' } },
    ],
  },
})

export const YAML = `# a comment
apiVersion: v1
kind: Pod
metadata: &meta {name: web, labels: {app: "web", on: 'yes'}}
spec:
  containers:
  - name: c0
    image: ghcr.io/acme/app:v1
    args: [--a, |-
      text
    ]
  - <<: *meta
    image: >
      folded
---
{"kind": "List", "items": [1, 0x1f, 1e3, ~, !!str 5]}
`

export const REFERENCES = [
  'nginx',
  'docker.io/library/nginx:1.27',
  `ghcr.io/acme/app:v1@sha256:${'a'.repeat(64)}`,
  '[::1]:5000/a/b',
  'localhost/x',
]
export const LINKS = [
  '</v2/app/referrers/x?last=1>; rel="next"',
  '<a>; rel=prev, <https://registry.example.test/b>; title="a, b"; rel="first next"',
]
export const CHALLENGES = [
  'Bearer realm="https://auth.test/token",service="r.test",scope="repository:a:pull"',
  'Basic realm="a \\" b", Negotiate abc==, Digest a=b',
]
export const MEDIA_TYPES = ['application/vnd.oci.image.index.v1+json', 'Application/JSON ; charset="utf-8"; a=b']
export const DOCKER_CONFIG =
  '{"auths":{"ghcr.io":{"auth":"YTpi"},"https://index.docker.io/v1/":{"username":"a","password":"b"},"r.test:5000":{"identitytoken":"x"}}}'

export const KEPT_URL = 'https://registry.example.test/v2/app/referrers/x?n=1'

const KEPT_HEAD = { url: KEPT_URL, accept: '*/*', at: '2026-11-21T09:52:43.000Z', status: 200, headers: [] }

/** Answers as they are kept, without their first line. */
export const KEPT_ANSWERS = [
  `${JSON.stringify({
    ...KEPT_HEAD,
    headers: [
      ['link', '</v2/app>; rel="next"'],
      ['content-type', 'a/b'],
    ],
  })}\n{"manifests":[]}`,
  `${JSON.stringify({ ...KEPT_HEAD, status: 404 })}\n`,
]

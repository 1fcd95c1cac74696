import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import type { KubeObject, Subject } from '#core/domain/subject.ts'
import { MAX_PULL_SECRETS } from '#core/gate/asker-of.ts'
import { MAX_IMAGES, plan } from '#core/gate/plan.ts'
import { DIGEST, makePod, makeSubject } from '#test/support/make-subject.ts'

const podSpec = { containers: [{ name: 'c', image: 'app:1' }] }
const template = { spec: { template: { spec: podSpec } } }

const KINDS: readonly (readonly [string, string, KubeObject, string])[] = [
  ['', 'Pod', { spec: podSpec }, 'spec.containers[0].image'],
  ['', 'PodTemplate', { template: { spec: podSpec } }, 'template.spec.containers[0].image'],
  ['', 'ReplicationController', template, 'spec.template.spec.containers[0].image'],
  ['apps', 'ReplicaSet', template, 'spec.template.spec.containers[0].image'],
  ['apps', 'Deployment', template, 'spec.template.spec.containers[0].image'],
  ['apps', 'StatefulSet', template, 'spec.template.spec.containers[0].image'],
  ['apps', 'DaemonSet', template, 'spec.template.spec.containers[0].image'],
  ['batch', 'Job', template, 'spec.template.spec.containers[0].image'],
  ['batch', 'CronJob', { spec: { jobTemplate: template } }, 'spec.jobTemplate.spec.template.spec.containers[0].image'],
]

function wheres(subject: Subject): readonly string[] {
  const planned = plan(subject)
  return planned.kind === 'pass' ? [`pass: ${planned.reason}`] : planned.workload.images.map(use => use.where)
}

t.test('finds the images of every kind that carries them', async t => {
  for (const [group, kind, object, where] of KINDS) {
    t.strictSame(wheres(makeSubject({ group, kind, object })), [where], kind)
    t.strictSame(
      wheres(makeSubject({ group, kind, object, operation: 'UPDATE' })),
      [where],
      `${kind}, update without old object`,
    )
  }
})

t.test('finds init and ephemeral containers and image volumes', async t => {
  const object = {
    spec: {
      initContainers: [{ image: 'i:1' }],
      containers: [{ image: 'c:1' }, { image: 'c:2' }],
      ephemeralContainers: [{ image: 'e:1' }],
      volumes: [{ emptyDir: {} }, { image: { reference: 'v:1' } }, { image: null }],
    },
  }
  t.strictSame(wheres(makeSubject({ object })), [
    'spec.initContainers[0].image',
    'spec.containers[0].image',
    'spec.containers[1].image',
    'spec.ephemeralContainers[0].image',
    'spec.volumes[1].image.reference',
  ])
})

t.test('an ephemeral container that kubectl debug adds is examined (CVE-2023-2727)', async t => {
  const oldObject = makePod(`app@${DIGEST}`)
  const object = {
    ...oldObject,
    spec: { containers: [{ image: `app@${DIGEST}` }], ephemeralContainers: [{ image: 'evil:1' }] },
  }
  const subject = makeSubject({ operation: 'UPDATE', subresource: 'ephemeralcontainers', object, oldObject })
  t.strictSame(wheres(subject), ['spec.containers[0].image', 'spec.ephemeralContainers[0].image'])
})

t.test('passes what brings in no image, and says why', async t => {
  const object = makePod('app:1')
  const cases: readonly (readonly [Partial<Subject>, string])[] = [
    [{ operation: 'DELETE', object: undefined }, 'delete'],
    [{ operation: 'CONNECT' }, 'connect'],
    [{ operation: 'UPDATE', subresource: 'status', object, oldObject: makePod('other:1') }, 'status'],
    [{ operation: 'UPDATE', object, oldObject: makePod('app:1') }, 'images-unchanged'],
    [{ operation: 'UPDATE', object: makePod('app:1'), oldObject: makePod('app:1', 'side:1') }, 'images-unchanged'],
    [{ kind: 'ConfigMap', object: { data: {} } }, 'kind-without-images'],
    [{ group: 'apps', kind: 'Scale', subresource: 'scale', operation: 'UPDATE' }, 'kind-without-images'],
    [{ kind: 'PodTemplate', object: {} }, 'no-images'],
  ]
  for (const [overrides, reason] of cases) t.strictSame(wheres(makeSubject(overrides)), [`pass: ${reason}`], reason)
})

t.test('a scale-down passes only when its images are unchanged', async t => {
  const deployment = (image: string, replicas: number) => ({
    spec: { replicas, template: { spec: { containers: [{ image }] } } },
  })
  const update = (image: string) =>
    makeSubject({
      group: 'apps',
      kind: 'Deployment',
      operation: 'UPDATE',
      object: deployment(image, 1),
      oldObject: deployment('app:1', 3),
    })
  t.strictSame(wheres(update('app:1')), ['pass: images-unchanged'])
  t.strictSame(wheres(update('app:2')), ['spec.template.spec.containers[0].image'])
})

t.test('a deletionTimestamp excuses no changed image (CVE-2023-34091)', async t => {
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x/y'] }
  const dying = (image: string) => ({ ...makePod(image), metadata })
  t.strictSame(wheres(makeSubject({ operation: 'UPDATE', object: dying('evil:1'), oldObject: dying('app:1') })), [
    'spec.containers[0].image',
  ])
  t.strictSame(wheres(makeSubject({ operation: 'UPDATE', object: dying('app:1'), oldObject: dying('app:1') })), [
    'pass: images-unchanged',
  ])
})

t.test('an owner that claims to have been verified excuses nothing', async t => {
  const metadata = {
    name: 'web',
    ownerReferences: [{ kind: 'ReplicaSet', name: 'trusted', uid: 'u', controller: true }],
  }
  t.strictSame(wheres(makeSubject({ object: { ...makePod('app:1'), metadata } })), ['spec.containers[0].image'])
})

t.test('refuses to read what does not have the shape of its kind', async t => {
  const shapes: readonly (KubeObject | undefined)[] = [
    undefined,
    { spec: 'text' },
    { spec: [] },
    { spec: { containers: {} } },
    { spec: { containers: ['app:1'] } },
    { spec: { containers: [null] } },
    { spec: { containers: [{ image: 5 }] } },
    { spec: { volumes: [{ image: 'app:1' }] } },
  ]
  for (const object of shapes)
    t.throws(() => plan(makeSubject({ object })), InputError, JSON.stringify(object) ?? 'none')
})

t.test('an image that is missing or cannot be read is listed with its refusal, not passed over', async t => {
  for (const container of [{}, { image: '' }, { image: null }, { image: 'UPPER' }, { image: 'a b' }]) {
    const planned = plan(makeSubject({ object: { spec: { containers: [container] } } }))
    t.match(planned, {
      kind: 'examine',
      workload: { images: [{ ref: { kind: 'refusal', code: 'image.reference-invalid' } }] },
    })
  }
})

t.test('names on the prototype are no fields', async t => {
  const spec = Object.create({ containers: [{ image: 'inherited:1' }] })
  t.strictSame(wheres(makeSubject({ object: { spec } })), ['pass: no-images'])
  t.strictSame(wheres(makeSubject({ kind: '__proto__', object: {} })), ['pass: kind-without-images'])
  t.strictSame(wheres(makeSubject({ kind: 'constructor', object: {} })), ['pass: kind-without-images'])
})

t.test('bounds the images of one object', async t => {
  const many = (count: number) =>
    makeSubject({ object: makePod(...Array.from({ length: count }, (_, n) => `app:${n}`)) })
  t.equal(wheres(many(MAX_IMAGES)).length, MAX_IMAGES)
  t.throws(() => plan(many(MAX_IMAGES + 1)), /at most 256 images/)
})

function askerOf(podSpec: object, overrides: Partial<Subject> = {}) {
  const object = { metadata: { namespace: 'theirs' }, spec: { ...(makePod('app:1')['spec'] as object), ...podSpec } }
  const planned = plan(makeSubject({ object, ...overrides }))
  return planned.kind === 'pass' ? undefined : planned.workload.asker
}

t.test(
  'the asker is the service account and the pull secrets of the PodSpec, in the namespace of the request',
  async t => {
    t.strictSame(askerOf({}), { namespace: 'shop', serviceAccount: 'default', pullSecrets: [] })
    t.strictSame(
      askerOf({ serviceAccountName: 'robot', imagePullSecrets: [{ name: 'b.x' }, { name: 'a' }, { name: 'b.x' }] }),
      {
        namespace: 'shop',
        serviceAccount: 'robot',
        pullSecrets: ['b.x', 'a'],
      },
    )
    t.equal(askerOf({ serviceAccount: 'old' })?.serviceAccount, 'old')
    t.equal(askerOf({ serviceAccount: 'old', serviceAccountName: 'new' })?.serviceAccount, 'new')
    const planned = plan(
      makeSubject({
        group: 'apps',
        kind: 'Deployment',
        object: {
          spec: { template: { spec: { ...podSpec, serviceAccountName: 'robot', imagePullSecrets: [{ name: 'a' }] } } },
        },
      }),
    )
    t.match(planned, { workload: { asker: { serviceAccount: 'robot', pullSecrets: ['a'] } } })
  },
)

t.test('a pull secret that no Secret can be is passed over, as a kubelet would', async t => {
  const names = ['', '..', 'a/b', 'A', '-a', 'a..b', 'a b', 'a'.repeat(254), 'ok']
  t.strictSame(askerOf({ imagePullSecrets: [...names.map(name => ({ name })), {}] })?.pullSecrets, ['ok'])
})

t.test('pull secrets and service accounts without their shape, and too many of them, are refused', async t => {
  for (const spec of [
    { imagePullSecrets: {} },
    { imagePullSecrets: ['a'] },
    { imagePullSecrets: [{ name: 5 }] },
    { imagePullSecrets: [null] },
    { serviceAccountName: 5 },
    { serviceAccountName: '../kube-system' },
    { imagePullSecrets: Array.from({ length: MAX_PULL_SECRETS + 1 }, () => ({ name: 'a' })) },
  ])
    t.throws(() => askerOf(spec), InputError, JSON.stringify(spec).slice(0, 80))
  t.strictSame(
    askerOf({ imagePullSecrets: Array.from({ length: MAX_PULL_SECRETS }, () => ({ name: 'a' })) })?.pullSecrets,
    ['a'],
  )
})

t.test('an object above the bound can still be mended: labels, finalizers, and fewer of the same images', async t => {
  const images = Array.from({ length: MAX_IMAGES + 1 }, (_, n) => `app:${n}`)
  const update = (object: KubeObject) =>
    wheres(makeSubject({ operation: 'UPDATE', object, oldObject: makePod(...images) }))
  t.strictSame(update(makePod(...images)), ['pass: images-unchanged'])
  t.strictSame(update(makePod(...images.slice(0, 3))), ['pass: images-unchanged'])
})

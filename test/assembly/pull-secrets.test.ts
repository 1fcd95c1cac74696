import t from 'tap'
import { ABSENT_KEPT_MS, KEPT_MS, MOST_SECRETS, makeKeychainOf } from '#assembly/pull-secrets.ts'
import type { ClusterClient } from '#core/cluster/client.ts'
import { ClusterError, ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import type { ClusterObject, Ref } from '#core/cluster/resource.ts'
import type { Asker } from '#core/domain/asker.ts'
import { Unavailable } from '#core/domain/unavailable.ts'

const never = new AbortController().signal
const base64 = (text: string) => Buffer.from(text).toString('base64')

type Objects = Record<string, object | Error | undefined>

/** An API server of which each test says what it holds, under `namespace/plural/name`. */
function serve(objects: Objects) {
  const asked: string[] = []
  let nowMs = 0
  const get: ClusterClient['get'] = async ({ resource, namespace, name }: Ref) => {
    const key = `${namespace}/${resource.plural}/${name}`
    asked.push(key)
    const found = objects[key]
    if (found instanceof Error) throw found
    return found as ClusterObject | undefined
  }
  const keychainOf = makeKeychainOf(get, { nowMs: () => nowMs, patienceMs: 1000 })
  return { asked, keychainOf, pass: (ms: number) => (nowMs += ms) }
}

function makeSecret(username: string, auths: object = { 'r.test': { username, password: 'hunter2' } }): object {
  const file = base64(JSON.stringify({ auths }))
  return { metadata: { name: 'x' }, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': file } }
}

function makeAccount(...names: readonly string[]): object {
  return { metadata: { name: 'x' }, imagePullSecrets: names.map(name => ({ name })) }
}

function makeAsker(...pullSecrets: readonly string[]): Asker {
  return { namespace: 'shop', serviceAccount: 'default', pullSecrets }
}

async function usersOf({ keychainOf }: Pick<ReturnType<typeof serve>, 'keychainOf'>, asker: Asker) {
  const { logins, notes } = await keychainOf(asker, never)
  return [...logins.map(({ credential }) => (credential as { readonly username: string }).username), ...notes]
}

t.test('reads the secrets of the PodSpec, then those of its ServiceAccount, each once', async t => {
  const server = serve({
    'shop/serviceaccounts/default': makeAccount('a', 'c', '../x', ''),
    'shop/secrets/a': makeSecret('ann'),
    'shop/secrets/b': makeSecret('bob'),
    'shop/secrets/c': makeSecret('cid'),
  })
  t.strictSame(await usersOf(server, makeAsker('b', 'a')), ['bob', 'ann', 'cid'])
  t.strictSame(server.asked.toSorted(), [
    'shop/secrets/a',
    'shop/secrets/b',
    'shop/secrets/c',
    'shop/serviceaccounts/default',
  ])
})

t.test('reads in the namespace of the asker and in no other', async t => {
  const objects = {
    'shop/serviceaccounts/default': makeAccount(),
    'other/serviceaccounts/default': makeAccount(),
    'other/secrets/a': makeSecret('ann'),
  }
  const server = serve(objects)
  t.strictSame(await usersOf(server, makeAsker('a')), ['pull secret "a" does not exist in namespace "shop"'])
  for (const namespace of ['', 'a/b', '..'])
    t.strictSame(await usersOf(server, { ...makeAsker('a'), namespace }), [], namespace)
  t.ok(server.asked.every(one => one.startsWith('shop/')))
  t.strictSame(await usersOf(server, { ...makeAsker('a'), namespace: 'other' }), ['ann'], 'as there is one there')
  t.strictSame(server.asked.slice(-2).toSorted(), ['other/secrets/a', 'other/serviceaccounts/default'])
})

t.test('what was read is kept for a moment, and what was missing for a shorter one', async t => {
  const objects: Objects = { 'shop/serviceaccounts/default': makeAccount(), 'shop/secrets/a': makeSecret('old') }
  const server = serve(objects)
  await usersOf(server, makeAsker('a', 'b'))
  objects['shop/secrets/a'] = makeSecret('new')
  objects['shop/secrets/b'] = makeSecret('bob')
  server.pass(ABSENT_KEPT_MS - 1)
  t.strictSame(await usersOf(server, makeAsker('a', 'b')), [
    'old',
    'pull secret "b" does not exist in namespace "shop"',
  ])
  t.equal(server.asked.length, 3)
  server.pass(1)
  t.strictSame(await usersOf(server, makeAsker('a', 'b')), ['old', 'bob'])
  server.pass(KEPT_MS - ABSENT_KEPT_MS)
  t.strictSame(await usersOf(server, makeAsker('a', 'b')), ['new', 'bob'])
})

t.test('many who ask at the same time are one question', async t => {
  const server = serve({ 'shop/serviceaccounts/default': makeAccount('a'), 'shop/secrets/a': makeSecret('ann') })
  await Promise.all(Array.from({ length: 20 }, () => server.keychainOf(makeAsker('a'), never)))
  t.equal(server.asked.length, 2)
})

t.test('an API server that says no or nothing leaves a note, which is not kept', async t => {
  const objects: Objects = {
    'shop/serviceaccounts/default': new ClusterUnavailable('GET /secret-path: no answer'),
    'shop/secrets/a': new ClusterError('forbidden', 'cannot get hunter2'),
    'shop/secrets/b': makeSecret('bob'),
  }
  const server = serve(objects)
  t.strictSame(await usersOf(server, makeAsker('a', 'b')), [
    'bob',
    'pull secret "a" could not be read (the API server says forbidden) in namespace "shop"',
    'service account "default" could not be read (the API server did not answer) in namespace "shop"',
  ])
  objects['shop/serviceaccounts/default'] = makeAccount()
  objects['shop/secrets/a'] = makeSecret('ann')
  t.strictSame(await usersOf(server, makeAsker('a', 'b')), ['ann', 'bob'])
})

t.test('an API server that hangs is waited for only so long, and not beyond the patience of the caller', async t => {
  const get: ClusterClient['get'] = (_ref, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  const keychainOf = makeKeychainOf(get, { nowMs: () => 0, patienceMs: 50 })
  const started = performance.now()
  const { notes } = await keychainOf(makeAsker('a'), never)
  t.equal(notes.length, 2)
  t.match(notes[0], 'the API server did not answer')
  const ms = performance.now() - started
  t.ok(ms >= 49 && ms < 1000, `${ms} ms`)
  const impatient = new AbortController()
  const asked = keychainOf(makeAsker('a'), impatient.signal)
  impatient.abort(new Unavailable('deadline.exceeded', 'time is up'))
  await t.rejects(asked, { message: 'time is up' })
})

t.test('a bug is not taken for silence', async t => {
  const server = serve({ 'shop/serviceaccounts/default': new TypeError('bug') })
  await t.rejects(server.keychainOf(makeAsker(), never), TypeError)
})

t.test('what cannot be used is said without a word of what it holds', async t => {
  const type = 'kubernetes.io/dockerconfigjson'
  const cases: readonly (readonly [object, string])[] = [
    [{ type: 'Opaque', data: { '.dockerconfigjson': 'hunter2' } }, 'it is of another type than pull secrets are'],
    [{ type, data: { '.dockercfg': base64('{}') } }, 'it has no .dockerconfigjson'],
    [{ type }, 'it has no .dockerconfigjson'],
    [{ type, data: { '.dockerconfigjson': 5 } }, 'expected its .dockerconfigjson to be text, got number'],
    [{ type, data: { '.dockerconfigjson': 'hunter2!' } }, 'expected its .dockerconfigjson to be canonical base64'],
    [
      { type, data: { '.dockerconfigjson': base64('hunter2') } },
      'it is too large, or no JSON that all readers read alike',
    ],
    [{ type, data: { '.dockerconfigjson': base64('x'.repeat(64 * 1024 + 3)) } }, 'at most 87384 characters'],
  ]
  for (const [secret, why] of cases) {
    const server = serve({
      'shop/serviceaccounts/default': makeAccount(),
      'shop/secrets/a': { metadata: { name: 'a' }, ...secret },
    })
    const [note = '', ...more] = await usersOf(server, makeAsker('a'))
    t.match(note, 'pull secret "a" cannot be used: ')
    t.match(note, why)
    t.notMatch(note, 'hunter2')
    t.strictSame(more, [])
  }
})

t.test('the entries of a secret that can be used are used, beside those that cannot', async t => {
  const auths = { '*.hunter2.test': { auth: base64('x:y') }, 'r.test': { auth: base64('ann:hunter2') }, 'x.test': {} }
  const server = serve({
    'shop/serviceaccounts/default': makeAccount(),
    'shop/secrets/a': makeSecret('', auths),
    'shop/secrets/b': {
      metadata: { name: 'b' },
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': base64(JSON.stringify({ 'r.test': { auth: base64('bob:hunter2') } })) },
    },
  })
  t.strictSame(await usersOf(server, makeAsker('a', 'b')), [
    'ann',
    'bob',
    'pull secret "a" can be used in part only: a host with a wildcard is not supported, and 1 more',
  ])
})

t.test(
  'a ServiceAccount that is missing or cannot be read, or lists too many, does not hide the PodSpec’s own',
  async t => {
    const many = Array.from({ length: MOST_SECRETS + 5 }, (_, n) => `s${n}`)
    const cases: readonly (readonly [object | undefined, RegExp])[] = [
      [undefined, /^service account "default" does not exist in namespace "shop"$/],
      [
        { metadata: {}, imagePullSecrets: 'hunter2' },
        /^service account "default" cannot be read: expected .* to be a list/,
      ],
      [
        { metadata: {}, imagePullSecrets: [5] },
        /^service account "default" cannot be read: expected an item to be an object/,
      ],
      [makeAccount(...many), /^pull secret "s0" does not exist/],
    ]
    for (const [account, note] of cases) {
      const server = serve({ 'shop/serviceaccounts/default': account, 'shop/secrets/a': makeSecret('ann') })
      const [user, ...notes] = await usersOf(server, makeAsker('a'))
      t.equal(user, 'ann')
      t.ok(
        notes.some(one => note.test(one)),
        notes.join(),
      )
      t.ok(server.asked.length <= MOST_SECRETS + 1, `${server.asked.length} requests`)
    }
  },
)

t.test('with everything kept it takes microseconds', async t => {
  const server = serve({ 'shop/serviceaccounts/default': makeAccount() })
  const asker = makeAsker()
  const time = async (times: number) => {
    const started = performance.now()
    for (let n = 0; n < times; n++) await server.keychainOf(asker, never)
    return ((performance.now() - started) / times) * 1000
  }
  await time(2000)
  const each = await time(5000)
  t.comment(`${each.toFixed(2)} microseconds`)
  t.ok(each < 200, `${each} microseconds`)
  t.equal(server.asked.length, 1)
})

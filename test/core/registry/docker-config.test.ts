import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parseOperatorDockerConfig } from '#core/registry/docker-config.ts'

const login = { auth: Buffer.from('bob:hunter2').toString('base64') }
const parse = (file: object) => parseOperatorDockerConfig(Buffer.from(JSON.stringify(file)))

t.test(
  'the operator’s file has helpers beside its entries, and entries that only mark a registry are passed over',
  async t => {
    const { logins, faults, helpers, store } = parse({
      auths: { 'ghcr.io': {}, 'https://index.docker.io/v1/': { auth: '' }, 'r.test': login },
      credsStore: 'desktop',
      credHelpers: { 'https://index.docker.io/v1/': 'own', 'R.test:443': 'ecr-login' },
      currentContext: 'desktop-linux',
      plugins: { x: { enabled: 'true' } },
    })
    t.match(logins, [{ registry: 'r.test', path: '' }])
    t.strictSame(faults, [])
    t.strictSame(
      [...helpers],
      [
        ['index.docker.io', 'own'],
        ['r.test', 'ecr-login'],
      ],
    )
    t.equal(store, 'desktop')
    t.match(parse({}), { logins: [], faults: [], store: undefined })
    t.equal(parse({ credsStore: '' }).store, undefined, 'which is how Docker writes that there is none')
  },
)

t.test('the name of a helper is the end of a program’s name and can be nothing else', async t => {
  const wrong = [
    '../x',
    '/bin/sh',
    'a/b',
    '-x',
    '.x',
    'a b',
    'a;b',
    'a\n',
    '$(x)',
    'a\\b',
    'x'.repeat(65),
    5,
    null,
    ['x'],
  ]
  const complaint = 'the name of a credential helper has more in it than letters, digits, ".", "_" and "-"'
  for (const name of wrong) {
    const { helpers, faults } = parse({ credHelpers: { 'r.test': name } })
    t.strictSame([helpers.size, faults], [0, [complaint]], JSON.stringify(name))
    if (name === null) continue
    const { store, faults: more } = parse({ credsStore: name })
    t.strictSame([store, more], [undefined, [complaint]], JSON.stringify(name))
  }
  t.equal(parse({ credsStore: 'x'.repeat(64) }).store?.length, 64)
})

t.test('what is wrong with one entry costs that entry, and repeats nothing of it', async t => {
  const { logins, helpers, faults } = parse({
    auths: { '*.r.test': login, 'r.test': { auth: 'hunter2!' }, 'good.test': login },
    credHelpers: { 'u:hunter2@r.test': 'x', '*.r.test': 'x', 'good.test': 'x' },
  })
  t.equal(logins.length, 1)
  t.strictSame([...helpers.keys()], ['good.test'])
  t.equal(faults.length, 4)
  t.notMatch(faults.join(), /hunter2/)
  for (const file of [{ auths: [] }, { credHelpers: 'x' }]) t.throws(() => parse(file), InputError)
})

t.test('whatever the file holds, it is read or refused', async t => {
  const files = fc.oneof(
    fc.json(),
    fc.dictionary(fc.string(), fc.string()).map(credHelpers => JSON.stringify({ credHelpers })),
    fc
      .dictionary(fc.constantFrom('auths', 'credsStore', 'credHelpers'), fc.jsonValue())
      .map(file => JSON.stringify(file)),
  )
  fc.assert(
    fc.property(files, text => {
      try {
        const { helpers } = parseOperatorDockerConfig(Buffer.from(text))
        return [...helpers.values()].every(name => /^[A-Za-z0-9][\w.-]*$/.test(name))
      } catch (error) {
        return error instanceof InputError
      }
    }),
  )
})

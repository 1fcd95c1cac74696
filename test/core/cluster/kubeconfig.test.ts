import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readKubeconfig } from '#core/cluster/kubeconfig.ts'
import { InputError } from '#core/domain/input-error.ts'

type Given = { readonly contexts?: readonly object[]; readonly current?: string; readonly at?: string }

/** A kubeconfig with a cluster and a user of the same names as elsewhere. */
function makeConfig({ contexts = [], current, at = 'https://127.0.0.1:1' }: Given): string {
  const cluster = { server: at, 'certificate-authority': 'ca.crt' }
  return JSON.stringify({
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: at } }],
    contexts,
    ...(current === undefined ? {} : { 'current-context': current }),
  })
}

const named = (name: string, more: object = {}) => ({ name, context: { cluster: 'c', user: 'u', ...more } })

function errorOf(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}

function folder(t: Test, files: Readonly<Record<string, string>>) {
  const dir = t.testdir(files)
  return (...names: readonly string[]) => names.map(name => join(dir, name))
}

t.test('of several files the first to name a thing wins, and what only another has is there too', async t => {
  const at = folder(t, {
    a: makeConfig({ contexts: [named('one', { namespace: 'first' })], at: 'https://127.0.0.1:1' }),
    b: makeConfig({
      contexts: [named('one', { namespace: 'second' }), named('two')],
      at: 'https://127.0.0.1:2',
      current: 'two',
    }),
    c: makeConfig({ current: 'one', contexts: [named('three')] }),
  })
  const all = readKubeconfig(at('a', 'b', 'c'), undefined)
  t.equal(all.getCurrentContext(), 'two', 'the first that names one')
  t.strictSame(
    all.getContexts().map(({ name, namespace }) => [name, namespace]),
    [
      ['one', 'first'],
      ['two', undefined],
      ['three', undefined],
    ],
  )
  t.equal(all.getCurrentCluster()?.server, 'https://127.0.0.1:1')
  t.equal(all.getCurrentUser()?.token, 'https://127.0.0.1:1')
  t.equal(readKubeconfig(at('b', 'a'), 'one').getCurrentCluster()?.server, 'https://127.0.0.1:2')
})

t.test('a path in a file is meant from where that file lies', async t => {
  const dir = t.testdir({ far: { a: makeConfig({ contexts: [named('one')] }) }, b: makeConfig({}) })
  const found = readKubeconfig([join(dir, 'far/a'), join(dir, 'b')], 'one')
  t.equal(found.getCurrentCluster()?.caFile, join(dir, 'far/ca.crt'))
})

t.test('a context that is not there is told with those that are', async t => {
  const at = folder(t, {
    some: makeConfig({ contexts: [named('kind-a'), named('prod')], current: 'prod' }),
    many: makeConfig({ contexts: Array.from({ length: 25 }, (_, n) => named(`c${n}`)) }),
    none: makeConfig({}),
  })
  const error = errorOf(() => readKubeconfig(at('some', 'none'), 'porod'))
  t.type(error, InputError)
  t.match(error, { message: /some, .*none\), which has "kind-a", "prod", got "porod"$/ })
  t.match(
    errorOf(() => readKubeconfig(at('many'), 'x')),
    { message: /"c19" and 5 more, got "x"$/ },
  )
  t.match(
    errorOf(() => readKubeconfig(at('none'), 'x')),
    { message: /which has none, got "x"$/ },
  )
})

t.test('what is wrong with a context that is not meant harms no other', async t => {
  const at = folder(t, { a: makeConfig({ contexts: [{ name: 'half', context: { namespace: 'x' } }, named('one')] }) })
  t.equal(readKubeconfig(at('a'), 'one').getCurrentCluster()?.server, 'https://127.0.0.1:1')
  t.match(
    errorOf(() => readKubeconfig(at('a'), 'half')),
    { message: /which has "one", got "half"$/ },
  )
})

t.test('a file that cannot be read is named, whichever of several it is', async t => {
  const at = folder(t, { a: makeConfig({ contexts: [named('one')] }), broken: 'users: [{secret: "abc' })
  for (const file of ['broken', 'absent']) {
    const error = errorOf(() => readKubeconfig(at('a', file), 'one'))
    t.type(error, InputError)
    t.match(error, { message: new RegExp(`${file}" to be a kubeconfig`) })
    t.notMatch(error, { message: /secret|abc/ })
  }
})

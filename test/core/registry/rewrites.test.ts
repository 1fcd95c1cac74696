import t from 'tap'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { parseRewrite, rewritten } from '#core/registry/rewrites.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, patience, pinned, ref, SIGNATURES } from './make-client.ts'

const to = (text: string, ...rewrites: readonly { readonly prefix: string; readonly to: string }[]) => {
  const { registry, repository, tag } = rewritten(parseImageRef(text), rewrites.map(parseRewrite))
  return `${registry}/${repository}:${tag}`
}

t.test('the longest prefix of whole parts decides, once', async t => {
  const hub = { prefix: 'docker.io', to: 'm.example/hub' }
  const library = { prefix: 'docker.io/library', to: 'docker.io/mirrored' }
  t.equal(to('nginx:1', hub), 'm.example/hub/library/nginx:1')
  t.equal(to('nginx:1', hub, library), 'index.docker.io/mirrored/nginx:1', 'and not on to m.example')
  t.equal(to('ghcr.io/a/b:1', hub), 'ghcr.io/a/b:1')
  const org = { prefix: 'ghcr.io/org', to: 'm.example' }
  t.equal(to('ghcr.io/org/x/y:1', org), 'm.example/x/y:1')
  for (const other of ['ghcr.io/org-evil/x:1', 'ghcr.io/org:1', 'ghcr.io.evil.example/org/x:1', 'ghcr.io:444/org/x:1'])
    t.equal(to(other, org), other)
})

t.test('what is no prefix is refused by name of its field', async t => {
  for (const bad of ['', 'https://ghcr.io', 'ghcr.io/Org', 'ghcr.io/', 'org', 'ghcr.io/a/../b', 'ghcr.io/org*']) {
    t.throws(() => parseRewrite({ prefix: bad, to: 'm.example' }), { message: /^prefix: expected a registry/ }, bad)
    t.throws(() => parseRewrite({ prefix: 'm.example', to: bad }), { message: /^to: expected a registry/ }, bad)
  }
})

t.test(
  'tags and signatures are looked up where the rewrite says, as whom that place knows us, and nowhere else',
  async t => {
    const registry = await startRegistry(t)
    const { host } = registry
    const { digest } = await registry.image({ repository: 'hub/acme/app' })
    await registry.key('k')
    await registry.sign({ repository: 'hub/acme/app', digest, key: 'k' })
    await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
    const entries = [
      { host, plainHttp: true, username: 'bob', passwordFile: 'p' },
      { host: 'upstream.invalid', username: 'alice', passwordFile: 'q' },
    ]
    const common = { rewrites: [{ prefix: 'upstream.invalid', to: `${host}/hub` }] }
    const client = makeClient(t, entries, { common, files: { p: 'hunter2', q: 'hunter3' } })
    t.equal(await client.resolve(ref('upstream.invalid', 'acme/app:v1'), patience), digest)
    const found = client.discover(pinned('upstream.invalid', 'acme/app', digest), SIGNATURES, patience)
    t.equal(await found.manifest, 'present')
    t.equal((await found.places[0])?.artefacts.length, 1)
    t.match(client.scopesOf(ref('upstream.invalid', 'acme/app:v1'))[0], `${host}/hub/acme/app#password:`)
  },
)

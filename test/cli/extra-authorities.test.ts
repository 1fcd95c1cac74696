import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import { makeAuthority } from '../core/registry/make-certificate.ts'
import { answerManifest, serve } from '../core/registry/serve.ts'

t.test(
  'NODE_EXTRA_CA_CERTS counts as the system’s authorities, for who has one of his own and for who has none',
  async t => {
    const [authority, other] = [await makeAuthority(), await makeAuthority()]
    const { host } = await serve(t, answerManifest, await authority.issue({ ip: '127.0.0.1' }))
    const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const write = (name: string, content: string) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const [ca, caFile] = [write('ca.pem', authority.pem), write('other.pem', other.pem)]
    const registries = [{ host }, { host, caFile }].map((entry, n) =>
      write(`${n}.json`, JSON.stringify({ registries: [entry] })),
    )
    const explain = async (file: string, env: Readonly<Record<string, string>>) => {
      const args = ['cli/main.ts', 'explain', `${host}/a:v`, '--registries', file]
      const child = spawn(process.execPath, args, {
        env: { ...COMPILE_CACHE, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const ended = once(child, 'close')
      const said = await Promise.all([text(child.stdout), text(child.stderr)])
      await ended
      return said.join('')
    }
    for (const file of registries) {
      t.match(await explain(file, {}), /authority that is not trusted/)
      t.notMatch(await explain(file, { NODE_EXTRA_CA_CERTS: ca }), /not trusted|unreachable/)
    }
  },
)

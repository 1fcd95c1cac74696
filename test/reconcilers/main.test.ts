import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'

const MAIN = fileURLToPath(new URL('../../reconcilers/main.ts', import.meta.url))

t.test('a mistake in the settings is one clear line and exit code 2', async t => {
  const mistakes: readonly [Record<string, string>, RegExp][] = [
    [{ SHEDU_LEASE_NAMSPACE: 'x' }, /^shedu reconcilers: .* did you mean SHEDU_LEASE_NAMESPACE\?\n$/],
    [{ SHEDU_KUBECONFIG: '/does/not/exist' }, /^shedu reconcilers: expected "\/does\/not\/exist" to be a kubeconfig/],
  ]
  const runs = mistakes.map(async ([env, line]) => {
    const child = spawn(process.execPath, [MAIN], {
      env: { ...COMPILE_CACHE, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const [code] = await once(child, 'close')
    t.equal(code, 2, JSON.stringify(env))
    t.match(stderr, line)
  })
  await Promise.all(runs)
})

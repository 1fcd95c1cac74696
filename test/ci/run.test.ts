/** `.ci/run` before an npm that says what tap would say. */
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

const RUN = join(import.meta.dirname, '..', '..', '.ci', 'run')

/** Script → what it does, in words of the shell. */
function runCi(t: Test, scripts: Readonly<Record<'check' | 'test' | 'e2e', string>>) {
  const folder = t.testdir({})
  const npm = join(folder, 'npm')
  const cases = Object.entries(scripts).map(([name, words]) => `${name}) ${words} ;;`)
  writeFileSync(npm, `#!/bin/sh\ncase "$2" in\n${cases.join('\n')}\nesac\n`)
  chmodSync(npm, 0o755)
  const { status, stdout } = spawnSync(RUN, { env: { PATH: `${folder}:/usr/bin:/bin` }, encoding: 'utf8' })
  return { status, last: stdout.trimEnd().split('\n').at(-1) }
}

const totals = (text: string) => `echo '# { total: 9, ${text} }'`

t.test('the last line counts what passed and failed, and what was skipped if anything was', async t => {
  const all = { check: ':', test: totals('pass: 5'), e2e: totals('pass: 4') }
  t.strictSame(runCi(t, all), { status: 0, last: '9 passed, 0 failed' })
  const some = { ...all, e2e: totals('pass: 1, skip: 3') }
  t.strictSame(runCi(t, some), { status: 0, last: '6 passed, 0 failed, 3 skipped' })
  const broken = { ...all, e2e: `${totals('pass: 1, fail: 2, skip: 1')}; exit 1` }
  t.strictSame(runCi(t, broken), { status: 1, last: '6 passed, 2 failed, 1 skipped' })
})

t.test('a run that stops before it counts has failed, and so has one that tested nothing', async t => {
  const all = { check: ':', test: totals('pass: 5'), e2e: 'exit 1' }
  t.strictSame(runCi(t, all), { status: 1, last: '5 passed, 1 failed' })
  t.strictSame(runCi(t, { ...all, check: 'false' }), { status: 1, last: '0 passed, 1 failed' })
  const nothing = { check: ':', test: totals('pass: 0'), e2e: totals('pass: 0, skip: 9') }
  t.strictSame(runCi(t, nothing), { status: 1, last: '0 passed, 1 failed, 9 skipped' })
})

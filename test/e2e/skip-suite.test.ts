import t from 'tap'
import { makeFakeMachine } from './fake-machine.ts'

t.setTimeout(120_000)

const SKIPPED = 'test/e2e/gate.test.ts'
const RUN = 'test/stack/cannot-be-had.test.ts'
const REASON = 'etcd, kube-apiserver, kube-controller-manager, kubectl, olareg, distribution, crane, cosign2, cosign3'

t.test('npm run e2e names what it skips, counts it, and runs the rest', async t => {
  const { run } = await makeFakeMachine(t)
  const { code, stdout, stderr } = await run('scripts/e2e.js', [RUN, SKIPPED])
  t.equal(code, 0)
  t.match(stdout, new RegExp(`^ok \\d - ${RegExp.escape(SKIPPED)} # SKIP ${REASON}: .*no \`go\` on the PATH`, 'm'))
  t.match(stdout, new RegExp(`^ok \\d - ${RegExp.escape(RUN)} # time=`, 'm'))
  t.match(stdout, /^# \{ total: (\d+), pass: \d+, skip: 1 \}$/m)
  t.notMatch(stderr, 'DID NOT RUN')
})

t.test('a CI job in which nothing can run says so at its end, and does not fail', async t => {
  const { run } = await makeFakeMachine(t)
  const { code, stdout, stderr } = await run('scripts/e2e.js', [SKIPPED], { CI: 'true' })
  t.equal(code, 0)
  t.match(stdout, /^# \{ total: 1, pass: 0, skip: 1 \}$/m)
  t.match(stderr, new RegExp(`DID NOT RUN.*1 of 1 suites[^]*\n.*${RegExp.escape(SKIPPED)}: ${REASON}: .*\n$`))
})

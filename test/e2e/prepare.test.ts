import { dirname } from 'node:path'
import t from 'tap'
import { type FakeMachine, fakeGo, makeFakeMachine } from './fake-machine.ts'

t.setTimeout(120_000)

const PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl']
const [GATE, POLICIES, BUILD] = ['test/e2e/gate.test.ts', 'test/e2e/policies.test.ts', 'test/stack/build.test.ts']
const SUITES = [GATE, POLICIES, BUILD, 'test/stack/start-program.test.ts']

/** What the proxy of an organisation says to a module that it does not let in. */
const REFUSAL = 'github.com/sigstore/cosign/v2@v2.6.5: reading https://proxy.test/cosign.zip: 403 Forbidden'

const prepare = ({ run }: FakeMachine, env = {}) => run('test/e2e/prepare.ts', SUITES, env)

t.test('a module that is refused keeps only the suites from running that need its program', async t => {
  const machine = await makeFakeMachine(t)
  await machine.install('go', fakeGo(`case "$*" in *cosign/v2*) echo '${REFUSAL}' >&2; exit 1;; esac`))
  const { code, stdout, stderr } = await prepare(machine)
  t.equal(code, 0)
  t.strictSame(JSON.parse(stdout), { [GATE]: `cosign2: ${REFUSAL}` })
  t.match(stderr, /9 cosign3: built in/, 'those after it are built')
  t.match(stderr, `not to be had on this machine: cosign2: ${REFUSAL}`)
  t.strictSame(JSON.parse((await prepare(machine)).stdout), { [GATE]: `cosign2: ${REFUSAL}` }, 'and is asked for again')
})

t.test('a program whose build fails is no reason to skip anything', async t => {
  const machine = await makeFakeMachine(t)
  const fault = '# stack/cosign\n./main.go:31:2: undefined: startServer'
  await machine.install('go', fakeGo(`case "$*" in *cosign/v2*) echo '${fault}' >&2; exit 1;; esac`))
  const { code, stdout, stderr } = await prepare(machine)
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, 'undefined: startServer')
})

t.test('without Go the suites run that need no program, or only those of KUBEBUILDER_ASSETS', async t => {
  const machine = await makeFakeMachine(t)
  const without = JSON.parse((await prepare(machine)).stdout)
  t.strictSame(Object.keys(without), [GATE, POLICIES, BUILD])
  t.match(without[POLICIES], /^etcd, kube-apiserver, kube-controller-manager, kubectl: .* no `go` on the PATH/)
  const files = await Promise.all(PLANE.map(name => machine.install(name, '')))
  const assets = JSON.parse((await prepare(machine, { KUBEBUILDER_ASSETS: dirname(files[0] ?? '') })).stdout)
  t.strictSame(Object.keys(assets), [GATE, BUILD])
  t.match(assets[GATE], /^olareg, distribution, crane, cosign2, cosign3: /)
})

t.test('where everything is at hand, nothing is said', async t => {
  const machine = await makeFakeMachine(t)
  await machine.install('go', fakeGo())
  await prepare(machine)
  t.strictSame(await prepare(machine), { code: 0, stdout: '{}', stderr: '' })
})

import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { PROGRAM_NAMES } from '../stack/programs.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { findNeeds } from './needed-programs.ts'

const ROOT = join(import.meta.dirname, '..', '..')

const PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl']
const SIGNED = ['olareg', 'distribution', 'crane', 'cosign2', 'cosign3']

/** What these suites start, as their authors see it. */
const NEEDS = {
  'test/stack/start-program.test.ts': [],
  'test/stack/build.test.ts': ['olareg'],
  'test/stack/control-plane.test.ts': PLANE,
  'test/stack/registries.test.ts': SIGNED,
  'test/e2e/api-server-asks.test.ts': PLANE,
  'test/e2e/cluster/elect.test.ts': PLANE,
  'test/e2e/gate.test.ts': [...PLANE, ...SIGNED],
  // Through a program that starts two more.
  'test/e2e/first-try.test.ts': PLANE,
}

t.test('a suite needs what it starts, and nothing else of the files that it shares with others', async t => {
  const needs = findNeeds(Object.keys(NEEDS).map(suite => join(ROOT, suite)))
  for (const [suite, programs] of Object.entries(NEEDS)) t.strictSame(needs.get(join(ROOT, suite)), programs, suite)
})

t.test('every program is needed by a suite', async t => {
  const suites = globSync('test/{stack,e2e}/**/*.test.ts', { cwd: ROOT }).map(suite => join(ROOT, suite))
  const needed = new Set([...findNeeds(suites).values()].flat())
  t.strictSame(
    PROGRAM_NAMES.filter(name => !needed.has(name)),
    [],
  )
})

t.test('a type, a name in another place and a function that nobody calls need nothing', async t => {
  const folder = await makeWorkFolder(t, 'needs')
  const suite = join(folder, 'suite.ts')
  await writeFile(
    suite,
    `import type { BuildSetting } from './start.ts'
    import { startCrane, type Fulcio } from './start.ts'
    import { makeCosign2 } from '#test/stack/make-runner.ts'
    const logs = ['rekor1'] as const satisfies readonly ('rekor1' | 'rekor2')[]
    await startCrane(logs, await makeCosign2())`,
  )
  await writeFile(
    join(folder, 'start.ts'),
    `import { buildPrograms } from '#test/stack/build.ts'
    const NAMES = ['crane'] as const
    export type Fulcio = 'fulcio'
    export const startCrane = async (logs: unknown) => buildPrograms(NAMES)
    export const startOlareg = async () => buildPrograms(['olareg'])`,
  )
  t.strictSame(findNeeds([suite]).get(suite), ['crane', 'cosign2'])
})

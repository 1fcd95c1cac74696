/**
 * `npm run e2e`: the tests that meet the real programs: API server, kubectl, cosign, registries. The programs are built
 * once, with Go, which takes minutes; later runs find them. A suite that needs one which cannot be had on this machine is
 * skipped by name. Arguments name test files; without any, all run.
 */
import { existsSync, readdirSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { runTap } from './run-tap.js'
import { inRepository, run } from './set-up.js'

/** A suite takes up to a minute; a machine that builds something else meanwhile may take ten times that. */
const SUITE_SECONDS = 600

const given = process.argv.slice(2)
const files = given.some(word => !word.startsWith('-')) ? [] : ['stack', 'e2e'].flatMap(testsIn)
const args = [...given, ...files]

const { code, skips } = await prepare(args.filter(isSuite))
process.exitCode = code === 0 ? await test(skips) : code
if (process.env.CI === 'true') shout(Object.entries(skips))

function testsIn(folder) {
  const all = readdirSync(inRepository('test', folder), { recursive: true }).map(String)
  const tests = all.filter(name => name.endsWith('.test.ts')).toSorted()
  return tests.map(name => `test/${folder}/${name.replaceAll('\\', '/')}`)
}

function isSuite(word) {
  return word.endsWith('.test.ts') && existsSync(inRepository(word))
}

/** Builds what can be had, and learns which suites cannot run, and why. */
async function prepare(suites) {
  let said = ''
  const onOutput = output => output.setEncoding('utf8').on('data', piece => (said += piece))
  const code = await run([inRepository('test', 'e2e', 'prepare.ts'), ...suites], { cwd: inRepository(), onOutput })
  return { code, skips: code === 0 ? JSON.parse(said) : {} }
}

function test(skips) {
  // One after the other: each suite starts a control plane, and what is measured in time should not wait for another.
  const flags = ['--disable-coverage', '--jobs=1', `--timeout=${SUITE_SECONDS}`]
  if (Object.keys(skips).length === 0) return runTap([...flags, ...args])
  // The suite itself says that it is skipped, so that tap counts it, whoever reports.
  process.env.SHEDU_E2E_SKIPS = JSON.stringify(skips)
  return runTap([
    ...flags,
    `--node-arg=--import=${pathToFileURL(inRepository('test', 'e2e', 'skip-suite.ts'))}`,
    ...args,
  ])
}

/** Nobody watches a job that succeeds: what it did not do is the last that it says. */
function shout(skipped) {
  if (skipped.length === 0) return
  console.error(`e2e: DID NOT RUN, for want of a program (${skipped.length} of ${args.filter(isSuite).length} suites):`)
  for (const [suite, reason] of skipped) console.error(`e2e: ${suite}: ${reason}`)
}

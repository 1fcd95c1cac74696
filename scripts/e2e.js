/**
 * `npm run e2e`: the tests that meet the real programs: API server, kubectl, cosign, registries. The programs are built
 * once, with Go, which takes minutes; later runs find them. Arguments name test files; without any, all run.
 */
import { readdirSync } from 'node:fs'
import { runTap } from './run-tap.js'
import { inRepository, run } from './set-up.js'

/** Said by test/e2e/prepare.ts: the programs cannot be had on this machine. */
const CANNOT = 3

/** A suite takes up to a minute; a machine that builds something else meanwhile may take ten times that. */
const SUITE_SECONDS = 600

const given = process.argv.slice(2)
const files = given.some(word => !word.startsWith('-')) ? [] : ['stack', 'e2e'].flatMap(testsIn)

const code = await run([inRepository('test', 'e2e', 'prepare.ts')])
if (code === 0) process.exitCode = await test()
else if (code === CANNOT) skip()
else process.exitCode = code

function testsIn(folder) {
  const all = readdirSync(inRepository('test', folder), { recursive: true }).map(String)
  const tests = all.filter(name => name.endsWith('.test.ts')).toSorted()
  return tests.map(name => `test/${folder}/${name.replaceAll('\\', '/')}`)
}

function test() {
  // One after the other: each suite starts a control plane, and what is measured in time should not wait for another.
  const flags = ['--disable-coverage', '--jobs=1', `--timeout=${SUITE_SECONDS}`]
  return runTap([...flags, ...given, ...files])
}

/** Every suite by its name, and the totals as tap writes them. */
function skip() {
  const suites = files.length > 0 ? files : given.filter(word => !word.startsWith('-'))
  console.log(`TAP version 14\n1..${suites.length}`)
  for (const [index, file] of suites.entries())
    console.log(`ok ${index + 1} - ${file} # SKIP the real programs cannot be built here`)
  console.log(`# { total: ${suites.length}, pass: 0, skip: ${suites.length} }`)
}

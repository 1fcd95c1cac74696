/** `npm run check`: types, lint, format, unused code. Seconds; all four run, so that one reading shows everything. */
import { inRepository, run } from './set-up.js'

const tool = (...path) => inRepository('node_modules', ...path)
const checks = [
  ['types', tool('typescript', 'bin', 'tsc'), []],
  ['lint', tool('oxlint', 'bin', 'oxlint'), ['--type-aware', '--deny-warnings']],
  ['format', tool('@biomejs', 'biome', 'bin', 'biome'), ['check', '--error-on-warnings', '.']],
  ['unused code', tool('knip', 'bin', 'knip.js'), []],
]

for (const [name, file, args] of checks) {
  const code = await run([file, ...args], { cwd: inRepository() })
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name}`)
  if (code !== 0) process.exitCode = 1
}

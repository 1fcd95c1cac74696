/** `npm test`: every test that needs nothing but this checkout. Arguments name test files; without any, all run. */
import { inRepository, run } from './set-up.js'

const tap = inRepository('node_modules', 'tap', 'dist', 'esm', 'run.mjs')
process.exitCode = await run([tap, ...process.argv.slice(2)], { cwd: inRepository() })

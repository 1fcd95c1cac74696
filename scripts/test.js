/** `npm test`: every test that needs nothing but this checkout. Arguments name test files; without any, all run. */
import { runTap } from './run-tap.js'

process.exitCode = await runTap(process.argv.slice(2))

/** `npm run fuzz`: a million inputs that nobody should send, to everything that reads what others wrote. `--help` lists the flags. */
import { inRepository, run } from './set-up.js'

process.exitCode = await run([inRepository('test', 'fuzz', 'main.ts'), ...process.argv.slice(2)])

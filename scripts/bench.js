/** `npm run bench`: what is claimed about speed and memory, measured side by side in one run. */
import { inRepository, run } from './set-up.js'

process.exitCode = await run([inRepository('test', 'bench', 'main.ts'), ...process.argv.slice(2)])

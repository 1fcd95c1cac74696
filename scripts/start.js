/** `npm start`: the whole gate on this machine, with a registry of its own, asked as an API server would ask it. */
import { inRepository, run } from './set-up.js'

process.exitCode = await run([inRepository('embedded', 'first-try', 'main.ts'), ...process.argv.slice(2)])

/** `npm run manifests`: writes the manifests that are generated from the kinds. */
import { inRepository, run } from './set-up.js'

process.exitCode = await run([inRepository('manifests', 'generate.ts'), ...process.argv.slice(2)])

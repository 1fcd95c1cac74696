#!/usr/bin/env node
/** The `shedu` command in a checkout: hands everything to the command line under the Node it needs. */
import { inRepository, run } from './set-up.js'

// Where nothing could be started, nothing was told; 1 would be a refusal.
process.exitCode = 3
process.exitCode = await run([inRepository('cli', 'main.ts'), ...process.argv.slice(2)])

#!/usr/bin/env node
/** The `shedu` command in a checkout: hands everything to the command line under the Node it needs. */
import { inRepository, run } from './set-up.js'

process.exitCode = await run([inRepository('cli', 'main.ts'), ...process.argv.slice(2)])

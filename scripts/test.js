/** `npm test`: every test that needs nothing but this checkout. Arguments name test files; without any, all run. */
import { createInterface } from 'node:readline'
import { inRepository, run } from './set-up.js'

const tap = inRepository('node_modules', 'tap', 'dist', 'esm', 'run.mjs')
const args = process.argv.slice(2)
const isPiped = !process.stdout.isTTY && !args.some(arg => arg.startsWith('--reporter'))

// A terminal shows progress. A pipe gets a line for each file, whatever failed, and the totals; not ten thousand lines.
process.exitCode = isPiped
  ? await run([tap, '--reporter=tap', '--disable-coverage', ...args], { cwd: inRepository(), onOutput: abridge })
  : await run([tap, ...args], { cwd: inRepository() })

function abridge(output) {
  let block
  createInterface({ input: output }).on('line', line => {
    const isFile = /^(?:not )?ok \d+ - test\//.test(line)
    if (isFile || /^# (?:\{ total|time)/.test(line)) console.log(line)
    else if (/^ +not ok /.test(line)) block = []
    block?.push(line)
    // The particulars of a failure end with three dots; a file that says no more has ended too.
    if (block !== undefined && (/^ +\.\.\.$/.test(line) || isFile)) {
      console.log(block.join('\n'))
      block = undefined
    }
  })
}

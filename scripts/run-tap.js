/** Runs tap: a terminal gets its progress; a pipe a line for each file, whatever failed, and the totals. */
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { inRepository, run } from './set-up.js'

/** Resolves with the exit code. Flags that choose a reporter are passed on and leave the output as it is. */
export function runTap(args) {
  const tap = inRepository('node_modules', 'tap', 'dist', 'esm', 'run.mjs')
  const isPiped = !process.stdout.isTTY && !args.some(arg => arg.startsWith('--reporter'))
  if (!isPiped) return run([tap, ...args], { cwd: inRepository() })
  const unwatched = `--test-env=NODE_OPTIONS=--import=${pathToFileURL(inRepository('scripts', 'unwatched.js'))}`
  const flags = ['--reporter=tap', '--disable-coverage', unwatched]
  return run([tap, ...flags, ...args], { cwd: inRepository(), onOutput: abridge })
}

function abridge(output) {
  let block
  createInterface({ input: output }).on('line', line => {
    const isFile = /^(?:not )?ok \d+ - test\//.test(line)
    if (isFile || /^# (?:\{ total|time)/.test(line)) console.log(line)
    else if (/^ +not ok (?!.* # (?:todo|skip))/i.test(line)) block = []
    block?.push(line)
    // The particulars of a failure end with three dots; a file that says no more has ended too.
    if (block !== undefined && (/^ +\.\.\.$/.test(line) || isFile)) {
      console.log(block.join('\n'))
      block = undefined
    }
  })
}

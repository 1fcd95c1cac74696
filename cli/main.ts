/** The program `shedu`: hands the process to the command line. Ctrl-C ends it as it ends any program: nothing is half done. */
import { run } from './program.ts'

/** "It could not be told": what a failure of our own amounts to. Never 0, whatever else happens. */
const FAILED = 3

process.exitCode = FAILED

/** A program that gives out credentials and has been given up may wait for somebody until tomorrow; we do not wait for it. */
const LEFT_BEHIND_MS = 1000

// `shedu check … | head` closes the pipe early. The answer is then in the exit code, so the work goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return
  process.stderr.write(`error: cannot write the results: ${error.message}\n`)
  process.exit(FAILED)
})
process.stderr.on('error', () => {})

try {
  process.exitCode = await run(process.argv.slice(2), process, process.env)
} catch (error) {
  process.stderr.write(`error: shedu itself failed\n${error instanceof Error ? error.stack : String(error)}\n`)
}

setTimeout(() => {
  if (process.stdout.writableLength === 0) process.exit()
}, LEFT_BEHIND_MS).unref()

/** The command line of `shedu`: its commands, help that teaches by example, and what each failure says and returns. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { InputError } from '#core/domain/input-error.ts'
import { check } from './commands/check.ts'
import { verify } from './commands/verify.ts'
import { addCheck } from './flags/check.ts'
import { addVerify } from './flags/verify.ts'
import { visibleLines } from './report/visible.ts'
import type { Streams } from './streams.ts'

const USAGE = 2

const HELP = `
Examples:
  $ shedu check -f deployment.yaml --policies policies/
  $ shedu explain ghcr.io/acme/shop:v1 --policies policies/ --trust-roots trust-roots/
  $ shedu verify --bundle app.sigstore.json --key release.pub app.tar.gz

Exit codes:
  0  admitted, or verified
  1  refused, or not verified
  2  wrong usage
  3  it could not be told`

/** Runs one command line, without the names of node and script in front, and returns the exit code. Throws only what a bug throws. */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  let exitCode = 0
  const program = makeProgram(streams, code => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said what there is to say; it throws for --help and --version as well, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (!(error instanceof InputError)) throw error
    streams.stderr.write(`error: ${visibleLines(error.message)}\n`)
    return USAGE
  }
}

function makeProgram(streams: Streams, end: (exitCode: number) => void): Command {
  const program = new Command('shedu')
    .description('Shedu stands at the gate of a Kubernetes cluster: only images signed by whom it trusts get in.')
    .version(readVersion(), '-V, --version', 'print the version')
    .configureOutput({
      writeOut: text => streams.stdout.write(text),
      writeErr: text => streams.stderr.write(visibleLines(text)),
    })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(shedu --help shows examples)')
    .addHelpText('after', HELP)
  addCheck(program, async options => end(await check(options, streams)))
  addVerify(program, async options => end(await verify(options, streams)))
  return program
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}

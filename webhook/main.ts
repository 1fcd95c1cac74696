/** The webhook program: reads its settings, starts, and ends when it is told to. Exit code 2 means that the settings are at fault. */
import { assembleGate } from '#assembly/assemble-gate.ts'
import { watchPoliciesOf } from '#assembly/policy-watch.ts'
import { InputError } from '#core/domain/input-error.ts'
import { errorLine } from '#core/runtime/error-line.ts'
import { makeLog } from '#core/runtime/log.ts'
import { makeMetrics, watchProcess } from '#core/runtime/metrics.ts'
import { toldToEnd } from '#core/runtime/told-to-end.ts'
import { readConfig } from './config.ts'
import { startProgram } from './program.ts'

const STDOUT = 1

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`shedu webhook: ${errorLine(error)}\n`)
    return error instanceof InputError ? 2 : 1
  }),
)

async function main(): Promise<number> {
  const told = toldToEnd()
  const config = readConfig(process.env)
  const { log, close } = makeLog(config.logLevel, STDOUT)
  const metrics = makeMetrics()
  watchProcess(metrics)
  try {
    const program = await startProgram(config, { assemble: assembleGate, watchPolicies: watchPoliciesOf, log, metrics })
    try {
      await Promise.race([told, program.ready])
      await told
    } finally {
      await program.drain()
    }
    return 0
  } finally {
    await close()
  }
}

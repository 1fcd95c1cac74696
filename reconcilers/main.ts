/** The reconcilers: reads their settings, starts, and ends when it is told to. Exit code 2 means that the settings are at fault. */
import { hostname } from 'node:os'
import { makeClusterClient } from '#core/cluster/client.ts'
import { InputError } from '#core/domain/input-error.ts'
import { errorLine } from '#core/runtime/error-line.ts'
import { makeLog } from '#core/runtime/log.ts'
import { watchProcess } from '#core/runtime/make-metrics.ts'
import { makeReconcilerMetrics } from '#core/runtime/reconciler-metrics.ts'
import { toldToEnd } from '#core/runtime/told-to-end.ts'
import { readConfig } from './config.ts'
import { startProgram } from './program.ts'

const STDOUT = 1

process.exit(
  await main().catch((error: unknown) => {
    process.stderr.write(`shedu reconcilers: ${errorLine(error)}\n`)
    return error instanceof InputError ? 2 : 1
  }),
)

async function main(): Promise<number> {
  const told = toldToEnd()
  const { kubeconfig, ...config } = readConfig(process.env)
  const client = makeClusterClient(
    kubeconfig === undefined ? { from: 'service-account' } : { from: 'kubeconfig', file: kubeconfig },
  )
  const { log, close } = makeLog(config.logLevel, STDOUT)
  const metrics = makeReconcilerMetrics()
  watchProcess(metrics)
  try {
    const program = await startProgram({ kubeconfig, ...config }, { client, identity: hostname(), log, metrics })
    try {
      await Promise.race([told, program.elected])
    } finally {
      await program.end()
    }
    return 0
  } finally {
    await close()
  }
}

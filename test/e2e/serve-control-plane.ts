/** Serves a control plane to whoever started this program: one JSON line says where it is; it ends with SIGTERM or with its stdin. */
import { buildPrograms } from '../stack/build.ts'
import { startControlPlane } from '../stack/control-plane.ts'

const ends: (() => Promise<void>)[] = []
const told = new Promise(resolve => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve)
  process.stdin.resume().on('end', resolve)
})

try {
  const { kubeconfig } = await startControlPlane({ teardown: end => ends.push(end) })
  const { kubectl } = await buildPrograms(['kubectl'])
  process.stdout.write(`${JSON.stringify({ kubeconfig, kubectl })}\n`)
  await told
} finally {
  for (const end of ends.toReversed()) await end()
  process.stdin.destroy()
}

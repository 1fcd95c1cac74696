/** Stands for election as a process of its own, and writes down each moment at which it believed that it led. */
import { makeClusterClient } from '#core/cluster/client.ts'
import { standForElection, type Term } from '#core/cluster/elect.ts'

const [file = '', namespace = '', identity = '', seconds = ''] = process.argv.slice(2)

const client = makeClusterClient({ from: 'kubeconfig', file })
const stop = new AbortController()
// Whoever started us holds the other end, and it closes however they end.
process.stdin.on('data', () => stop.abort()).on('close', () => process.exit())

await standForElection(
  client,
  { namespace, name: 'election', identity, seconds: Number(seconds) },
  { lead, report: error => process.stderr.write(`${identity}: ${String(error)}\n`) },
  stop.signal,
)
await client.close()
process.exit()

/** The clock is that of the machine, which all its processes share. It is read before the question, so that a pause between the two cannot lend a claim a time at which it was not made. */
async function lead(term: Term): Promise<void> {
  process.stdout.write('{"begins":true}\n')
  while (!term.signal.aborted) {
    const at = Number(process.hrtime.bigint() / 1_000_000n)
    if (term.isHeld()) process.stdout.write(`{"at":${at}}\n`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Starts the embedded registry, says on stdout where it listens, and never outlives whoever started it. */
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { readLayouts } from './layouts.ts'
import { makeRegistry } from './registry.ts'
import { buildServer } from './server.ts'

const { values } = parseArgs({
  options: {
    layouts: { type: 'string' },
    prefix: { type: 'string', multiple: true, default: ['vec'] },
    port: { type: 'string', default: '0' },
  },
})

const registry = makeRegistry()
const { layouts } = values
if (layouts !== undefined) for (const prefix of values.prefix) readLayouts(layouts, prefix, registry.store)

const server = buildServer(registry)
server.listen(Number(values.port), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ port, control: '/_control' })}\n`)
})

// The kernel closes our stdin when the parent dies, however it dies. A file or /dev/null ends without closing.
process.stdin.resume()
for (const ending of ['end', 'close', 'error']) process.stdin.once(ending, leave)
process.once('SIGTERM', leave)
process.once('SIGINT', leave)

/** Nothing here is worth a farewell. */
function leave(): void {
  process.exit(0)
}

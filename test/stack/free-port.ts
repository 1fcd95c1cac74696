/** Ports on the loopback address for programs that cannot say which port they took themselves. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the range from which systems take the near end of outgoing connections (from 32768 on Linux, 49152 elsewhere). */
const LOWEST = 15_000
const HIGHEST = 32_000

/** How often an occupied port is answered with another try before the machine is called full. */
const TRIES = 50

const given = new Set<number>()

/** Finds a port nobody listens on. It is never handed out twice by one process; two processes rarely meet in so wide a range. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
  throw new Error(`expected a free port between ${LOWEST} and ${HIGHEST}, found none in ${TRIES} tries`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}

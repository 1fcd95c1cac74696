/** Temporary folders that are gone when their owner is, however it ended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from './owner.ts'

const SWEEPER = join(import.meta.dirname, 'sweep.sh')

/** Makes an empty folder for the owner. With SHEDU_STACK_KEEP=1 it stays, for whoever wants to read the logs in peace. */
export async function makeWorkFolder(owner: Owner, name: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `shedu-stack-${name}-`)))
  if (process.env['SHEDU_STACK_KEEP'] === '1') {
    process.stderr.write(`stack: ${folder} stays\n`)
    return folder
  }
  const sweeper = spawn('sh', [SWEEPER, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  sweeper.unref()
  owner.teardown(async () => {
    sweeper.ref()
    sweeper.stdin.end()
    await once(sweeper, 'exit')
  })
  return folder
}

/** A timestamp authority (RFC 3161). */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeAuthority } from './authority.ts'
import { buildPrograms } from './build.ts'
import { expectAnswer } from './expect-answer.ts'
import { findFreePort } from './free-port.ts'
import type { Owner } from './owner.ts'
import { type Running, startProgram } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

export type TimestampAuthority = Running & {
  /** Where requests are sent, path and all. */
  readonly url: string
  /** Its certificates in PEM, the signer's first, the root last. */
  readonly chainFile: string
}

/** Starts one under a root of its own. */
export async function startTimestampAuthority(owner: Owner): Promise<TimestampAuthority> {
  const { 'timestamp-authority': file } = await buildPrograms(['timestamp-authority'])
  const folder = await makeWorkFolder(owner, 'timestamp-authority')
  const root = await makeAuthority('stack timestamp root')
  const signer = await root.issue({ commonName: 'stack timestamp' }, 'time-stamping')
  const chainFile = join(folder, 'chain.pem')
  await writeFile(chainFile, signer.cert + root.cert)
  await writeFile(join(folder, 'key.pem'), signer.key)
  const port = await findFreePort()
  const origin = `http://127.0.0.1:${port}`
  const args = [`-port=${port}`, '-key=key.pem', `-chain=${chainFile}`]
  const ready = (signal: AbortSignal) => expectAnswer(`${origin}/ping`, signal)
  const running = await startProgram(owner, { name: 'timestamp-authority', file, args, folder, ready })
  return { ...running, url: `${origin}/api/v1/timestamp`, chainFile }
}

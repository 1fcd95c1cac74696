/** A Fulcio and the certificate transparency log that it submits to. */
import { createPrivateKey, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeAuthority, makeKeyPair } from './authority.ts'
import { buildPrograms } from './build.ts'
import { expectAnswer } from './expect-answer.ts'
import { findFreePort } from './free-port.ts'
import type { OidcIssuer } from './oidc-issuer.ts'
import type { Owner } from './owner.ts'
import { type Running, startProgram } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

export type CtLog = Running & { readonly url: string; readonly publicKeyFile: string }

export type Fulcio = Running & {
  readonly url: string
  /** Its certificates in PEM, the issuing one first, the root last. */
  readonly chainFile: string
}

/** Starts both. Every certificate carries the log's promise (SCT). */
export async function startFulcio(owner: Owner, issuer: OidcIssuer): Promise<{ fulcio: Fulcio; ctLog: CtLog }> {
  const { fulcio: file } = await buildPrograms(['fulcio'])
  const folder = await makeWorkFolder(owner, 'fulcio')
  const root = await makeAuthority('stack fulcio root')
  const issuing = await root.issue({ commonName: 'stack fulcio' }, 'code-signing authority')
  const chainFile = join(folder, 'chain.pem')
  const password = randomUUID()
  await writeFile(chainFile, issuing.cert + root.cert)
  await writeFile(join(folder, 'key.pem'), encryptKey(issuing.key, password))
  await writeFile(join(folder, 'issuers.json'), JSON.stringify(issuer.fulcioConfig))
  const ctLog = await startCtLog(owner, root.cert)
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const args = [
    `-port=${port}`,
    '-config=issuers.json',
    `-chain=${chainFile}`,
    '-key=key.pem',
    `-password=${password}`,
    `-ct-log=${ctLog.url}`,
    `-ct-log-key=${ctLog.publicKeyFile}`,
  ]
  const ready = (signal: AbortSignal) => expectAnswer(`${url}/healthz`, signal)
  const fulcio = await startProgram(owner, { name: 'fulcio', file, args, folder, ready })
  return { fulcio: { ...fulcio, url, chainFile }, ctLog }
}

/** Fulcio reads no other key. */
function encryptKey(pem: string, passphrase: string): string | Buffer {
  return createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
}

async function startCtLog(owner: Owner, roots: string): Promise<CtLog> {
  const { 'ct-log': file } = await buildPrograms(['ct-log'])
  const folder = await makeWorkFolder(owner, 'ct-log')
  const key = await makeKeyPair()
  const publicKeyFile = join(folder, 'key.pub')
  await writeFile(publicKeyFile, key.publicKey)
  await writeFile(join(folder, 'key.pem'), key.privateKey)
  await writeFile(join(folder, 'roots.pem'), roots)
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}/ct`
  const args = [`-port=${port}`, '-key=key.pem', '-roots=roots.pem', `-storage=${join(folder, 'log')}`]
  const ready = (signal: AbortSignal) => expectAnswer(`${url}/ct/v1/get-roots`, signal)
  return { ...(await startProgram(owner, { name: 'ct-log', file, args, folder, ready })), url, publicKeyFile }
}

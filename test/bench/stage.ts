/** What the bench is played on: registry, webhook and echo, each a process of its own, all ended together. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { issueServingCertificate } from '#certs/presented/issue.ts'
import { startProgram } from '#core/runtime/start-program.ts'
import { type EmbeddedRegistry, startRegistry } from '#test/support/embedded-registry.ts'
import { type MakeImages, prepareImages } from './signed-images.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** The rate at which Shedu asks a registry by default would be what is measured of thousands of images that nobody has seen. */
const UNSPARED = { perSecond: 10_000, burst: 100_000 }

export type Webhook = {
  readonly port: number
  readonly pid: number
  readonly readyMs: number
  readonly stop: () => Promise<void>
}

export type Answer = { readonly allowed: boolean; readonly ms: number; readonly text: string }

export type Stage = {
  readonly folder: string
  /** PEM of the authority of the serving certificate. */
  readonly ca: string
  readonly registry: EmbeddedRegistry
  readonly makeImages: MakeImages
  readonly startWebhook: () => Promise<Webhook>
  readonly startEcho: () => Promise<{ readonly port: number; readonly pid: number }>
  /** Sends one review and returns the response, over a connection that is kept alive. */
  readonly review: (port: number, body: string) => Promise<Answer>
  readonly close: () => Promise<void>
}

/** Starts the registry, issues the certificate that webhook and echo share, and hands out the rest. */
export async function makeStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-bench-'))
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const certFile = join(folder, 'tls.crt')
  const keyFile = join(folder, 'tls.key')
  const issued = await issueServingCertificate(['127.0.0.1'], DAY_MS, new Date())
  writeFileSync(certFile, issued.cert)
  writeFileSync(keyFile, issued.key)
  const registry = await startRegistry({ teardown: end => closers.push(end) })
  const folders = { policies: join(folder, 'policies'), trustRoots: join(folder, 'trust-roots') }
  const makeImages = await prepareImages(registry, folders)
  const registriesFile = join(folder, 'registries.yaml')
  const entry = { host: registry.host, plainHttp: true, requests: UNSPARED }
  writeFileSync(registriesFile, JSON.stringify({ registries: [entry] }))
  const tls = new Agent({ connect: { ca: issued.ca } })
  closers.push(() => tls.close())

  return {
    folder,
    ca: issued.ca,
    registry,
    makeImages,
    startWebhook: async () => {
      const started = performance.now()
      const env = {
        SHEDU_PORT: '0',
        SHEDU_OPS_PORT: '0',
        SHEDU_DRAIN_MS: '0',
        SHEDU_POLICIES_DIR: folders.policies,
        SHEDU_TRUST_ROOTS_DIR: folders.trustRoots,
        SHEDU_REGISTRIES_FILE: registriesFile,
        SHEDU_TLS_CERT_FILE: certFile,
        SHEDU_TLS_KEY_FILE: keyFile,
      }
      const program = await startProgram('webhook/main.ts', { env }, line =>
        line['msg'] === 'listening' ? { port: Number(line['port']), opsPort: Number(line['opsPort']) } : undefined,
      )
      closers.push(program.stop)
      await untilReady(program.ready.opsPort)
      return { port: program.ready.port, pid: program.pid, readyMs: performance.now() - started, stop: program.stop }
    },
    startEcho: async () => {
      const program = await startProgram(
        'test/bench/echo-server.ts',
        { args: [certFile, keyFile] },
        line => line['port'] as number | undefined,
      )
      closers.push(program.stop)
      return { port: program.ready, pid: program.pid }
    },
    review: (port, body) => sendReview(port, body, tls),
    close: async () => {
      for (const close of closers.toReversed()) await close()
    },
  }
}

/** Sends one review as an API server does. */
export async function sendReview(port: number, body: string, dispatcher: Agent): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const started = performance.now()
  const answer = await request(`https://127.0.0.1:${port}/validate?timeout=10s`, {
    method: 'POST',
    headers,
    body,
    dispatcher,
  })
  const text = await answer.body.text()
  const ms = performance.now() - started
  return { allowed: (JSON.parse(text) as { response: { allowed: boolean } }).response.allowed, ms, text }
}

async function untilReady(opsPort: number): Promise<void> {
  for (;;) {
    const answer = await request(`http://127.0.0.1:${opsPort}/readyz`)
    await answer.body.dump()
    if (answer.statusCode === 200) return
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

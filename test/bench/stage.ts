/** What the bench is played on: registry, webhook and echo, each a process of its own, all ended together. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { issueServingCertificate } from '#certs/presented/issue.ts'
import { startProgram } from '#core/runtime/start-program.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export type Webhook = {
  readonly port: number
  readonly pid: number
  readonly readyMs: number
  readonly stop: () => Promise<void>
}

export type Stage = {
  readonly folder: string
  /** PEM of the authority of the serving certificate. */
  readonly ca: string
  /** Signs and stores so many images, and writes the policy about them; by digest. */
  readonly makeImages: (count: number) => Promise<readonly string[]>
  readonly startWebhook: () => Promise<Webhook>
  readonly startEcho: () => Promise<{ readonly port: number; readonly pid: number }>
  /** Sends one review and returns the response, over a connection that is kept alive. */
  readonly review: (port: number, body: string) => Promise<{ readonly allowed: boolean; readonly text: string }>
  /** How many requests the registry had since the last call. */
  readonly registryRequests: () => Promise<number>
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
  const registry = await startProgram('embedded/registry/main.ts', {}, line => line['port'] as number | undefined)
  closers.push(registry.stop)
  const host = `127.0.0.1:${registry.ready}`
  const tls = new Agent({ connect: { ca: issued.ca } })
  closers.push(() => tls.close())

  const control = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> => {
    const answer = await request(`http://${host}/_control/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    return answer.body.json()
  }

  return {
    folder,
    ca: issued.ca,
    makeImages: async count => {
      const { publicKey } = (await control('POST', 'keys', { name: 'bench', type: 'p256' })) as { publicKey: string }
      writeConfiguration(folder, host, publicKey)
      const images: string[] = []
      for (let n = 0; n < count; n++) images.push(await makeImage(control, host, `bench/app-${n}`))
      await control('DELETE', 'requests')
      return images
    },
    startWebhook: async () => {
      const started = performance.now()
      const env = {
        SHEDU_PORT: '0',
        SHEDU_OPS_PORT: '0',
        SHEDU_DRAIN_MS: '0',
        SHEDU_POLICIES_DIR: join(folder, 'policies'),
        SHEDU_REGISTRIES_FILE: join(folder, 'registries.yaml'),
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
    review: async (port, body) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await request(`https://127.0.0.1:${port}/validate?timeout=10s`, {
        method: 'POST',
        headers,
        body,
        dispatcher: tls,
      })
      const text = await answer.body.text()
      return { allowed: (JSON.parse(text) as { response: { allowed: boolean } }).response.allowed, text }
    },
    registryRequests: async () => {
      const requests = (await control('GET', 'requests')) as readonly unknown[]
      await control('DELETE', 'requests')
      return requests.length
    },
    close: async () => {
      for (const close of closers.toReversed()) await close()
    },
  }
}

type Control = (method: 'POST', path: string, body: object) => Promise<unknown>

async function makeImage(control: Control, host: string, repository: string): Promise<string> {
  const { digest } = (await control('POST', 'images', { repository, tag: 'v1' })) as { digest: string }
  await control('POST', 'signatures', { repository, digest, key: 'bench', layout: 'simple-signing' })
  return `${host}/${repository}:v1@${digest}`
}

function writeConfiguration(folder: string, host: string, publicKey: string): void {
  mkdirSync(join(folder, 'policies'))
  const policy = {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name: 'bench' },
    spec: { images: [{ glob: `${host}/**` }], authorities: [{ key: { data: publicKey } }] },
  }
  writeFileSync(join(folder, 'policies', 'bench.json'), JSON.stringify(policy))
  writeFileSync(join(folder, 'registries.yaml'), JSON.stringify({ registries: [{ host, plainHttp: true }] }))
}

async function untilReady(opsPort: number): Promise<void> {
  for (;;) {
    const answer = await request(`http://127.0.0.1:${opsPort}/readyz`)
    await answer.body.dump()
    if (answer.statusCode === 200) return
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Starts the webhook as a process of its own for one test, and asks it as an API server would. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyPatch, type Operation } from 'rfc6902'
import { Agent, request } from 'undici'
import type { KubeObject } from '#core/domain/subject.ts'
import { startProgram } from '#core/runtime/start-program.ts'

type Test = { readonly teardown: (end: () => Promise<void> | void) => unknown }

type ReviewResponse = {
  readonly uid: string
  readonly allowed: boolean
  readonly status?: { readonly code: number; readonly message: string }
  readonly patch?: string
  readonly warnings?: readonly string[]
  readonly auditAnnotations?: Readonly<Record<string, string>>
}

export type WebhookProcess = {
  readonly pid: number
  readonly port: number
  readonly opsPort: number
  /** The folders and files it was started with, for whoever asks the command line the same question. */
  readonly policiesDir: string
  readonly registriesFile: string
  /** One of the two webhooks about the creation of this object. */
  readonly review: (path: 'mutate' | 'validate', object: KubeObject) => Promise<ReviewResponse>
  /** What the API server does: mutate, then validate what came of it. */
  readonly create: (object: KubeObject) => Promise<ReviewResponse & { readonly object: KubeObject }>
}

/** A folder of its own for a test, gone with it. */
function makeFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes the policies (one document each) and starts a webhook that trusts the registry at `host` over plain HTTP. */
export async function startWebhook(
  t: Test,
  host: string,
  policies: readonly object[],
  env: Readonly<Record<string, string>> = {},
): Promise<WebhookProcess> {
  const folder = makeFolder(t)
  const [policiesDir, registriesFile, caFile] = [
    join(folder, 'policies'),
    join(folder, 'registries.json'),
    join(folder, 'ca.pem'),
  ]
  mkdirSync(policiesDir)
  for (const [n, policy] of policies.entries()) writeFileSync(join(policiesDir, `${n}.json`), JSON.stringify(policy))
  writeFileSync(registriesFile, JSON.stringify({ registries: [{ host, plainHttp: true }] }))
  const settings = {
    SHEDU_PORT: '0',
    SHEDU_OPS_PORT: '0',
    SHEDU_DRAIN_MS: '0',
    SHEDU_POLICIES_DIR: policiesDir,
    SHEDU_REGISTRIES_FILE: registriesFile,
    SHEDU_TLS_CA_OUT: caFile,
    ...env,
  }
  const program = await startProgram('webhook/main.ts', { env: settings }, line =>
    line['msg'] === 'listening' ? { port: Number(line['port']), opsPort: Number(line['opsPort']) } : undefined,
  )
  t.teardown(program.stop)
  await untilReady(program.ready.opsPort)
  const dispatcher = new Agent({ connect: { ca: readFileSync(caFile, 'utf8') } })
  t.teardown(() => dispatcher.close())
  const review: WebhookProcess['review'] = async (path, object) => {
    const answer = await request(`https://127.0.0.1:${program.ready.port}/${path}?timeout=10s`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(makeCreate(object)),
      dispatcher,
    })
    return ((await answer.body.json()) as { readonly response: ReviewResponse }).response
  }
  return {
    pid: program.pid,
    ...program.ready,
    policiesDir,
    registriesFile,
    review,
    create: async object => {
      const copy = structuredClone(object)
      const mutated = await review('mutate', copy)
      if (mutated.patch !== undefined)
        applyPatch(copy, JSON.parse(Buffer.from(mutated.patch, 'base64').toString()) as Operation[])
      return { ...(await review('validate', copy)), object: copy }
    },
  }
}

/** A ClusterImagePolicy that wants images under `glob` signed by one of these keys. */
export function makeKeyPolicy(
  name: string,
  glob: string,
  keys: readonly { readonly data: string; readonly hashAlgorithm?: string }[],
): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: { images: [{ glob }], authorities: keys.map(key => ({ key })) },
  }
}

function makeCreate(object: KubeObject): object {
  const [group, version] = String(object['apiVersion']).includes('/')
    ? String(object['apiVersion']).split('/')
    : ['', object['apiVersion']]
  const kind = { group, version, kind: object['kind'] }
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind,
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'a-test' },
      object,
      oldObject: null,
      dryRun: false,
    },
  }
}

async function untilReady(opsPort: number): Promise<void> {
  const until = performance.now() + 10_000
  while (performance.now() < until) {
    const answer = await request(`http://127.0.0.1:${opsPort}/readyz`)
    await answer.body.dump()
    if (answer.statusCode === 200) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  throw new Error('the webhook did not become ready')
}

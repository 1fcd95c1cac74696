/** What every first try begins with: a registry of images, good and bad, and the webhook that judges them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from '#core/runtime/start-program.ts'
import { makeRegistryControl } from './registry-control.ts'
import type { Scene } from './scene.ts'
import { setScene } from './scene.ts'

const LAYOUTS = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'images', 'layouts')

/** What was started is ended in reverse order; the signal aborts when somebody presses Ctrl-C. */
export type Stage = { readonly defer: (close: () => Promise<void> | void) => void; readonly signal: AbortSignal }

type Ports = { readonly port: number; readonly opsPort: number }

export type OpenGate = {
  /** Everything that was written lies here, and is gone with the stage. */
  readonly folder: string
  readonly scene: Scene
  readonly ports: Ports
  /** The authority of the webhook's certificate, in PEM. */
  readonly caFile: string
  /** How long the webhook took to be ready. */
  readonly readyMs: number
}

/** Starts both, and resolves when the webhook is ready. */
export async function openGate(stage: Stage): Promise<OpenGate> {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-first-try-'))
  stage.defer(() => rmSync(folder, { recursive: true, force: true }))
  say('starting a registry of images, good and bad')
  const registry = await startProgram(
    'embedded/registry/main.ts',
    { args: ['--layouts', LAYOUTS, '--prefix', 'recorded'], signal: stage.signal },
    line => line['port'] as number | undefined,
  )
  stage.defer(registry.stop)
  const scene = await setScene(makeRegistryControl(registry.ready), folder)
  say('starting the webhook, with a certificate issued on the spot')
  const started = performance.now()
  const caFile = join(folder, 'ca.pem')
  const options = { env: settings(scene, caFile), signal: stage.signal }
  const webhook = await startProgram('webhook/main.ts', options, readPorts)
  stage.defer(webhook.stop)
  await waitReady(webhook.ready.opsPort)
  return { folder, scene, ports: webhook.ready, caFile, readyMs: performance.now() - started }
}

/** Prints a line for whoever tries. */
export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function settings(scene: Scene, caFile: string): Readonly<Record<string, string>> {
  return {
    SHEDU_PORT: '0',
    SHEDU_OPS_PORT: '0',
    SHEDU_POLICIES_DIR: scene.policiesDir,
    SHEDU_REGISTRIES_FILE: scene.registriesFile,
    SHEDU_TRUST_ROOTS_DIR: scene.trustRootsDir,
    SHEDU_TLS_CA_OUT: caFile,
    SHEDU_DRAIN_MS: '0',
    SHEDU_LOG_LEVEL: 'info',
  }
}

function readPorts(line: Readonly<Record<string, unknown>>): Ports | undefined {
  return line['msg'] === 'listening' ? { port: Number(line['port']), opsPort: Number(line['opsPort']) } : undefined
}

async function waitReady(opsPort: number): Promise<void> {
  const until = performance.now() + 10_000
  while (performance.now() < until) {
    const { status } = await fetch(`http://127.0.0.1:${opsPort}/readyz`)
    if (status === 200) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('the webhook did not become ready within 10 s')
}

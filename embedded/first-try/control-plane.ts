/** The real API server, controllers and kubectl for a first try: built when they are missing, then started as one process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { startProgram } from '#core/runtime/start-program.ts'
import type { Stage } from './open-gate.ts'

type Environment = Readonly<Record<string, string | undefined>>

export type ControlPlane = { readonly kubeconfig: string; readonly kubectl: string }

const BUILD = join(import.meta.dirname, '..', '..', 'test', 'stack', 'build.ts')

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl']

/** What finds Go, its caches and the programs that were built before. */
const NEEDED = ['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME', 'SHEDU_STACK_CACHE', 'KUBEBUILDER_ASSETS']

/** Builds, which says on stderr how long it will take, or what to install. */
export async function buildControlPlane({ signal }: Stage, env: Environment): Promise<void> {
  const child = spawn(process.execPath, [BUILD, ...PROGRAMS], { env, stdio: ['ignore', 'ignore', 'inherit'], signal })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('the real API server cannot be built here, see above; `npm start` alone needs none')
}

/** Starts it; it ends with the stage. */
export async function startControlPlane(stage: Stage, env: Environment): Promise<ControlPlane> {
  const passed = NEEDED.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]] as const]))
  const { ready, stop } = await startProgram(
    'test/e2e/serve-control-plane.ts',
    { env: Object.fromEntries(passed), signal: stage.signal },
    line => (typeof line['kubeconfig'] === 'string' ? (line as ControlPlane) : undefined),
  )
  stage.defer(stop)
  return ready
}

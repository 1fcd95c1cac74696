/** Types kubectl, and listens to what it prints. */
import { execFile } from 'node:child_process'
import type { ControlPlane } from './control-plane.ts'

export type Said = { readonly isDone: boolean; readonly text: string }

/** Runs kubectl with these words in its folder, where files named without a path lie. Throws once the signal has aborted. */
export type Kubectl = (words: string) => Promise<Said>

/** Far above anything that a command here takes: a registry may use up ten seconds twice. */
const COMMAND_MS = 60_000

/** Makes a kubectl that knows this cluster and nothing of the user's own. */
export function makeKubectl({ kubectl, kubeconfig }: ControlPlane, folder: string, signal: AbortSignal): Kubectl {
  const env = { KUBECONFIG: kubeconfig, HOME: folder }
  const options = { cwd: folder, env, signal, timeout: COMMAND_MS }
  return async words => {
    signal.throwIfAborted()
    const { promise, resolve } = Promise.withResolvers<Said>()
    execFile(kubectl, words.split(' '), options, (error, stdout, stderr) =>
      // Warnings are printed before the result.
      resolve({ isDone: error === null, text: `${stderr}${stdout}`.trimEnd() }),
    )
    return await promise
  }
}

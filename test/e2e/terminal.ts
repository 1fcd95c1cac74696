/** A terminal in which somebody types kubectl: what it prints is the result, whether it succeeds or not. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import type { ControlPlane } from '../stack/control-plane.ts'
import { makeRunner } from '../stack/make-runner.ts'
import type { Owner } from '../stack/owner.ts'
import { CommandFailed, type Output } from '../stack/run-command.ts'

export type Said = Output & { readonly code: number | null }

export type Terminal = {
  readonly namespace: string
  /** Types `kubectl` and these words. Files named without a path lie in the folder of the terminal. */
  readonly type: (words: string, more?: { readonly env?: Readonly<Record<string, string>> }) => Promise<Said>
  /** The same, and throws unless it succeeds; gives what was printed. */
  readonly succeed: (words: string) => Promise<string>
  /** Writes an object to a file of the terminal. */
  readonly write: (name: string, object: object | string) => Promise<void>
  /** One field of what the API server has stored, by a JSONPath: `{..image}` gives all images, with blanks between. */
  readonly read: (what: string, path: string) => Promise<string>
}

/** Opens one whose kubectl is an administrator in this namespace. */
export async function openTerminal(owner: Owner, plane: ControlPlane, namespace: string): Promise<Terminal> {
  const { run, folder } = await makeRunner(owner, 'kubectl')
  const KUBECONFIG = join(folder, 'kubeconfig')
  const kubeconfig = parseDocument(await readFile(plane.kubeconfig, 'utf8'))
  kubeconfig.setIn(['contexts', 0, 'context', 'namespace'], namespace)
  await writeFile(KUBECONFIG, String(kubeconfig), { mode: 0o600 })
  const type: Terminal['type'] = async (words, { env = {} } = {}) => {
    try {
      return { ...(await run(words.split(' '), { env: { KUBECONFIG, ...env } })), code: 0 }
    } catch (error) {
      if (error instanceof CommandFailed) return { ...error.output, code: error.code }
      throw error
    }
  }
  const succeed: Terminal['succeed'] = async words => {
    const { code, stdout, stderr } = await type(words)
    if (code !== 0) throw new Error(`kubectl ${words}: exit code ${code}\n${stderr}`)
    return stdout
  }
  const write: Terminal['write'] = (name, object) =>
    writeFile(join(folder, name), typeof object === 'string' ? object : JSON.stringify(object), { mode: 0o755 })
  const read: Terminal['read'] = (what, path) => succeed(`get ${what} --output=jsonpath=${path}`)
  return { namespace, type, succeed, write, read }
}

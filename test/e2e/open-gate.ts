/** A gate before real registries, without an API server: what both webhooks would make of a Pod. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assembleGate } from '#assembly/assemble-gate.ts'
import { preflight } from '#core/gate/preflight.ts'
import type { Owner } from '../stack/owner.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { makePod, makeSubject } from '../support/make-subject.ts'
import { makeKeyPolicy } from '../support/webhook-process.ts'

export type Asked = {
  readonly outcome: 'allow' | 'deny' | 'undecided'
  /** Of the objections, each once. */
  readonly codes: readonly string[]
  /** What was found, for a closer look. */
  readonly details: string
  /** Of the image as it would run. */
  readonly digest: string | undefined
}

type Settings = {
  /** PEM of the key that every image has to be signed with. */
  readonly publicKey: string
  /** What the registries file says. */
  readonly registries: object
  /** What Docker's configuration says, if there is one. */
  readonly dockerConfig?: object
  /** Contents of the files that the registries file names as `FOLDER/NAME`. */
  readonly files?: Readonly<Record<string, string>>
}

const never = new AbortController().signal

/** Opens one that has just started; it closes with its owner. */
export async function openGate(
  owner: Owner,
  { publicKey, registries, dockerConfig, files = {} }: Settings,
): Promise<(image: string) => Promise<Asked>> {
  const folder = await makeWorkFolder(owner, 'gate')
  await mkdir(join(folder, 'policies'))
  const write = async (name: string, content: object | string) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content).replaceAll('FOLDER', folder)
    await writeFile(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  for (const [name, content] of Object.entries(files)) await write(name, content)
  await write('policies/p.json', makeKeyPolicy('signed', '**', [{ data: publicKey }]))
  const { gate, close } = await assembleGate({
    policiesDir: join(folder, 'policies'),
    registriesFile: await write('registries.json', registries),
    dockerConfigFile: dockerConfig === undefined ? undefined : await write('docker.json', dockerConfig),
    noMatch: 'deny',
    cacheBytes: 1024 * 1024,
  })
  owner.teardown(close)
  return async image => {
    const { verdict, pinning } = await preflight(makeSubject({ object: makePod(image) }), gate, 'matched', never)
    const objections = verdict.outcome === 'allow' ? [] : verdict.objections
    return {
      outcome: verdict.outcome,
      codes: [...new Set(objections.map(({ because }) => because.code))],
      details: objections.map(({ because }) => because.detail).join('\n'),
      digest: (pinning.pins[0]?.to ?? image).split('@')[1],
    }
  }
}

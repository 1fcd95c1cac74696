/** The side door of the embedded registry, as its caller sees it: makes images and signatures, and turns faults on. */
import { request } from 'undici'

export type RegistryControl = {
  /** `127.0.0.1:PORT`, as it stands in an image reference. */
  readonly host: string
  readonly image: (repository: string, tag: string, contents: string) => Promise<string>
  readonly key: (name: string) => Promise<string>
  readonly sign: (order: {
    readonly repository: string
    readonly digest: string
    readonly key: string
    readonly layout: 'simple-signing' | 'bundle'
    readonly tamper?: string
  }) => Promise<void>
  readonly faults: (rules: readonly object[]) => Promise<void>
}

export function makeRegistryControl(port: number): RegistryControl {
  const host = `127.0.0.1:${port}`
  const ask = async (method: 'POST' | 'PUT', path: string, body: object): Promise<Readonly<Record<string, string>>> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await request(`http://${host}/_control/${path}`, { method, headers, body: JSON.stringify(body) })
    const json = (await answer.body.json()) as Readonly<Record<string, string>>
    if (answer.statusCode !== 200) throw new Error(`the embedded registry refused ${path}: ${json['error']}`)
    return json
  }
  return {
    host,
    image: async (repository, tag, contents) =>
      String((await ask('POST', 'images', { repository, tag, contents }))['digest']),
    key: async name => String((await ask('POST', 'keys', { name, type: 'p256' }))['publicKey']),
    sign: async order => {
      await ask('POST', 'signatures', order)
    },
    faults: async rules => {
      await ask('PUT', 'faults', rules)
    },
  }
}

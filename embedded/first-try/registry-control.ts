/** The side door of the embedded registry, as its caller sees it: makes images and signatures, and turns faults on. */
import { request } from 'undici'

/** Whoever signs without a key, with a certificate of a Sigstore made before. */
type Keyless = { readonly sigstore: string; readonly subject: string; readonly issuer: string }

export type SignOrder = {
  readonly repository: string
  readonly digest: string
  /** The name of a key made before; this or `keyless`. */
  readonly key?: string
  readonly keyless?: Keyless
  readonly layout: 'simple-signing' | 'bundle'
  /** None when left out. */
  readonly log?: 'rekor1' | 'rekor2'
  readonly timestamp?: boolean
  /** An attestation of this type, where it is no signature. */
  readonly predicateType?: string
  readonly predicate?: object
  readonly tamper?: string
  /** By its name in embedded/sigstore/faults.ts: all is good but for this one thing. */
  readonly fault?: string
}

export type RegistryControl = {
  /** `127.0.0.1:PORT`, as it stands in an image reference. */
  readonly host: string
  readonly image: (repository: string, tag: string, contents: string) => Promise<string>
  readonly key: (name: string) => Promise<string>
  /** Makes a private Sigstore and gives its trusted_root.json. */
  readonly sigstore: (name: string) => Promise<object>
  readonly sign: (order: SignOrder) => Promise<void>
  readonly faults: (rules: readonly object[]) => Promise<void>
}

type Answer = Readonly<Record<string, unknown>>

export function makeRegistryControl(port: number): RegistryControl {
  const host = `127.0.0.1:${port}`
  const ask = async (method: 'POST' | 'PUT', path: string, body: object): Promise<Answer> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await request(`http://${host}/_control/${path}`, { method, headers, body: JSON.stringify(body) })
    const json = (await answer.body.json()) as Answer
    if (answer.statusCode !== 200) throw new Error(`the embedded registry refused ${path}: ${String(json['error'])}`)
    return json
  }
  return {
    host,
    image: async (repository, tag, contents) =>
      String((await ask('POST', 'images', { repository, tag, contents }))['digest']),
    key: async name => String((await ask('POST', 'keys', { name, type: 'p256' }))['publicKey']),
    // Nobody here has signed with keys of the past.
    sigstore: name => ask('POST', 'sigstores', { name, eras: ['current'] }),
    sign: async order => {
      await ask('POST', 'signatures', order)
    },
    faults: async rules => {
      await ask('PUT', 'faults', rules)
    },
  }
}

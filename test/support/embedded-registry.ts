/** Starts the embedded registry as a process of its own for one test, and speaks to its control; it ends with the test. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'

export type KeyType = 'p256' | 'p384' | 'p521' | 'rsa2048' | 'rsa3072' | 'ed25519'

/** What can be wrong in both layouts: only the thing it names, and every digest fits. */
type Tampering =
  | 'payload'
  | 'signature'
  | 'lax-base64'
  | 'no-signature'
  /** Signed, but of another type (simple signing: `critical.type`; bundle: the DSSE payload type). */
  | 'payload-type'
  /** The digest stands twice in what is signed; the right one comes last. */
  | 'duplicate-key'
  /** What is signed is no whole JSON. */
  | 'truncated'

/** What can be wrong in bundles only. */
type BundleTampering =
  | 'two-signatures'
  | 'two-signatures-bad-first'
  /** Changed after signing into characters that are the same to whoever encodes them as ASCII. */
  | 'payload-type-collapsing'
  | 'statement-type'
  | 'subject-sha512'
  /** 2000 subjects, the right one last. */
  | 'many-subjects'
  | 'duplicate-key-in-bundle'
  | 'truncated-bundle'
  /** The bundle has no DSSE envelope. */
  | 'envelope'
  | 'hint'

export type ImageOrder = {
  readonly repository: string
  readonly tag?: string
  readonly contents?: string
  /** Builds an index of so many images instead of one image. */
  readonly platforms?: number
}

/** Who signs without a key: whoever gets a certificate. */
type KeylessOrder = {
  /** Name of a Sigstore made before. */
  readonly sigstore: string
  /** A URI, or an address. */
  readonly subject?: string
  /** In place of `subject`: several in one certificate. */
  readonly subjects?: readonly string[]
  readonly issuer: string
  /** By the names that Fulcio gives its extensions: `sourceRepositoryURI`, `buildSignerURI`… */
  readonly claims?: Readonly<Record<string, string>>
}

/** What a trust root of an embedded Sigstore lists. */
type TrustedRootOrder = {
  /** `current` signs; `retired` has ended a day ago, `future` is yet to begin, `worn` has certificates that have ended. All by default. */
  readonly eras?: readonly ('current' | 'retired' | 'future' | 'worn')[]
  /** ISO 8601: when it says that parts of the current era ended. */
  readonly ends?: Readonly<Partial<Record<'authority' | 'ctLog' | 'rekor1' | 'rekor2' | 'stamper', string>>>
}

type SigstoreOrder = TrustedRootOrder & {
  /** Lower-case letters, digits and dashes: `acme` has its log at rekor.acme.test. */
  readonly name: string
  readonly curve?: 'P-256' | 'P-384'
  /** ISO 8601: since when its keys are valid, a day ago by default. */
  readonly startsAt?: string
  /** A fault of the authorities themselves, listed as they are: `intermediate-not-ca`, `stamp-no-eku`… */
  readonly fault?: string
}

/** A TrustedRoot v0.1 as JSON. */
type TrustedRootJson = { readonly mediaType: string; readonly [key: string]: unknown }

type SignatureFault = {
  readonly name: string
  readonly says: string
  /** A verifier must accept it all the same. One that demands all that was ordered must refuse the others. */
  readonly good: boolean
  /** What an order must have for the fault to show. */
  readonly needs: readonly string[]
}

export type SignOrder = {
  readonly repository: string
  readonly digest: string
  /** Name of a key made before; this or `keyless`. */
  readonly key?: string
  readonly keyless?: KeylessOrder
  /** Name of a Sigstore made before: where a signature by a key is logged and stamped. */
  readonly sigstore?: string
  /** `attachment`: cosign's older layout of attestations, the tag sha256-HEX.att. */
  readonly layout?: 'simple-signing' | 'attachment' | 'bundle' | 'bundle-fallback-tag'
  /** 0.3 by default; 0.1 has a certificate chain and a promise, 0.2 a chain and a proof besides. */
  readonly bundleVersion?: '0.1' | '0.2' | '0.3'
  /** None by default. The legacy layouts have room for Rekor v1 only, as has a bundle 0.1. */
  readonly log?: 'none' | 'rekor1' | 'rekor2'
  readonly timestamp?: boolean
  /** By default what cosign logs: hashedrekord, but dsse for envelopes in Rekor v1. */
  readonly entryKind?: 'hashedrekord' | 'dsse' | 'intoto'
  /** Whether the timestamp brings the certificate along; by default in the legacy layouts, as cosign has it. */
  readonly stampCertificates?: boolean
  /** ISO 8601, to the second. When the certificate was issued: now by default. */
  readonly signedAt?: string
  /** When it was logged and stamped: when it was signed by default. */
  readonly loggedAt?: string
  /** By default what cosign takes: SHA-384 for P-384, SHA-512 for P-521, else SHA-256. */
  readonly hash?: 'sha224' | 'sha256' | 'sha384' | 'sha512'
  /** Of RSA keys; `pkcs1` by default. */
  readonly padding?: 'pkcs1' | 'pss'
  /** Ed25519ph; by default what cosign does: true in simple signing, false in bundles. */
  readonly prehash?: boolean
  /** Signs another image than the one the signature is attached to. */
  readonly signedDigest?: string
  /** Of bundles; cosign's own for a signature by default. */
  readonly predicateType?: string
  readonly predicate?: unknown
  /** Makes the predicate longer by so many bytes. */
  readonly predicateBytes?: number
  readonly statementVersion?: 'v0.1' | 'v1'
  /** One of `signatureFaults()`: all is good but for this one thing. */
  readonly fault?: string
  readonly tamper?: Tampering | BundleTampering
}

/** What a bad registry does. Several switches of one fault work together. */
export type Fault = {
  readonly latencyMs?: number
  readonly status?: number
  readonly retryAfterSeconds?: number
  /** Replaces the body; headers and status stay. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  /** Said in Docker-Content-Digest in place of the truth. */
  readonly wrongDigestHeader?: string
  /** Flips a bit of the byte at this offset. */
  readonly corruptByte?: number
  /** 307 to this URL; an origin without a path keeps the path that was asked for. */
  readonly redirectTo?: string
  /** Answers these tags or digests in turn in place of the one that was asked for. */
  readonly alternate?: readonly string[]
  /** Every page has a next page. */
  readonly endlessLink?: true
  /** Added to Content-Length; the connection breaks where the body falls short of it. */
  readonly lieLength?: number
  /** Streams the body and then blanks, so many bytes in all, without a Content-Length. */
  readonly oversizeBytes?: number
  /** One byte, then so long nothing, and so on. */
  readonly dripMs?: number
  readonly disconnect?: true
  readonly hang?: true
}

/** The first rule that matches a request and has not struck `times` times strikes. */
export type FaultRule = {
  readonly repository?: string
  readonly kind?: 'manifest' | 'blob' | 'referrers' | 'tags' | 'token' | 'ping'
  /** Tag or digest as asked for. */
  readonly reference?: string
  readonly fault: Fault
  readonly times?: number
}

export type AuthSettings = {
  /** All repositories that have no setting of their own when left out. */
  readonly repository?: string
  readonly mode: 'none' | 'basic' | 'token' | 'anonymous-token'
  readonly username?: string
  readonly password?: string
  readonly tokenSeconds?: number
  readonly realm?: string
  readonly service?: string
}

export type LoggedRequest = {
  readonly method: string
  readonly path: string
  /** 0: nothing was answered. */
  readonly status: number
  readonly authorization: 'none' | 'basic' | 'bearer'
  readonly at: string
  /** Milliseconds of the registry's own clock, which never goes back. */
  readonly beganMs: number
  /** Absent while it is answered, and where nothing was. */
  readonly endedMs?: number
}

export type Stored =
  | { readonly repository: string; readonly tag?: string; readonly mediaType: string; readonly manifest: string }
  | { readonly repository: string; readonly blob: Uint8Array }

type Test = { readonly teardown: (end: () => Promise<void>) => unknown }
type Options = {
  /** A folder of OCI layouts, each served as `prefix/NAME`. */
  readonly layouts?: string
  /** `vec` by default; several serve the same layouts several times. */
  readonly prefix?: string | readonly string[]
}

const MAIN = fileURLToPath(new URL('../../embedded/registry/main.ts', import.meta.url))

/** The layouts that the real cosign wrote. */
export const RECORDED_LAYOUTS = fileURLToPath(new URL('../fixtures/images/layouts', import.meta.url))

/** Starts a registry; it is listening when this resolves, and gone after the test. */
export async function startRegistry(t: Test, options: Options = {}): Promise<EmbeddedRegistry> {
  const flags = Object.entries(options).flatMap(([name, value]) => [value].flat().flatMap(one => [`--${name}`, one]))
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => stop(child))
  for await (const line of createInterface(child.stdout)) {
    return new EmbeddedRegistry(child, (JSON.parse(line) as { readonly port: number }).port)
  }
  throw new Error('the embedded registry ended before it was ready')
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill()
  await ended
}

/** A running registry: where it is, and every switch it has. */
export class EmbeddedRegistry {
  readonly port: number
  /** As it stands in an image reference. */
  readonly host: string
  readonly #child: ChildProcess

  constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    this.host = `127.0.0.1:${port}`
  }

  /** Builds a small image under `tag` (`v1` by default), moving the tag if it was there. */
  image(order: ImageOrder): Promise<{ readonly digest: string; readonly children: readonly string[] }> {
    return this.#control('POST', 'images', { tag: 'v1', ...order })
  }

  /** Makes a key pair that stays in the registry, and gives the public key as PEM. */
  async key(name: string, type: KeyType = 'p256'): Promise<string> {
    const { publicKey } = await this.#control<{ readonly publicKey: string }>('POST', 'keys', { name, type })
    return publicKey
  }

  /** Signs as cosign does; gives the digests of the manifest that carries the signature and of the payload or bundle. */
  sign(order: SignOrder): Promise<{ readonly digest: string; readonly blob: string }> {
    return this.#control('POST', 'signatures', { layout: 'simple-signing', ...order })
  }

  /** Makes a private Sigstore, in place of an older one of that name, and gives its trust root. */
  sigstore(order: SigstoreOrder): Promise<TrustedRootJson> {
    return this.#control('POST', 'sigstores', order)
  }

  /** Another view of a Sigstore made before. */
  trustedRoot(order: TrustedRootOrder & { readonly sigstore: string }): Promise<TrustedRootJson> {
    return this.#control('POST', 'trusted-roots', order)
  }

  /** What can be wrong with a signature. */
  signatureFaults(): Promise<readonly SignatureFault[]> {
    return this.#control('GET', 'signature-faults')
  }

  /** Replaces all fault rules; an empty list makes it a good registry again. */
  async faults(rules: readonly FaultRule[]): Promise<void> {
    await this.#control('PUT', 'faults', rules)
  }

  /** Sets who may pull; ends all tokens. */
  async auth(settings: AuthSettings): Promise<void> {
    await this.#control('PUT', 'auth', settings)
  }

  /** Turns the referrers API of a repository on or off, or sets how many entries a page has. */
  async settings(settings: {
    readonly repository: string
    readonly referrersApi?: boolean
    readonly pageSize?: number
  }): Promise<void> {
    await this.#control('PUT', 'repositories', settings)
  }

  /** What clients have asked since `forgetRequests`. */
  requests(): Promise<readonly LoggedRequest[]> {
    return this.#control('GET', 'requests')
  }

  async forgetRequests(): Promise<void> {
    await this.#control('DELETE', 'requests')
  }

  /** Stores whatever it is given under its true digest. */
  async put(stored: Stored): Promise<string> {
    const body = 'blob' in stored ? { ...stored, blob: Buffer.from(stored.blob).toString('base64') } : stored
    const { digest } = await this.#control<{ readonly digest: string }>('POST', 'put', body)
    return digest
  }

  /** Ends the process before the test does; from then on connections are refused. */
  stop(): Promise<void> {
    return stop(this.#child)
  }

  async #control<Answer>(method: 'DELETE' | 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<Answer> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const response = await request(`http://${this.host}/_control/${path}`, init)
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`embedded registry, ${method} ${path}: ${text}`)
    return JSON.parse(text) as Answer
  }
}

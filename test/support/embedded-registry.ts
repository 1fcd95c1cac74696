/** Starts the embedded registry as a process of its own for one test, and speaks to its control; it ends with the test. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

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

export type SignOrder = {
  readonly repository: string
  readonly digest: string
  /** Name of a key made before. */
  readonly key: string
  readonly layout?: 'simple-signing' | 'bundle' | 'bundle-fallback-tag'
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
}

export type Stored =
  | { readonly repository: string; readonly tag?: string; readonly mediaType: string; readonly manifest: string }
  | { readonly repository: string; readonly blob: Uint8Array }

type Test = { readonly teardown: (end: () => Promise<void>) => unknown }
type Options = {
  /** A folder of OCI layouts, each served as `prefix/NAME`. */
  readonly layouts?: string
  /** `vec` by default. */
  readonly prefix?: string
}

const MAIN = fileURLToPath(new URL('../../embedded/registry/main.ts', import.meta.url))

/** The layouts that the real cosign wrote. */
export const RECORDED_LAYOUTS = fileURLToPath(new URL('../fixtures/images/layouts', import.meta.url))

/** Starts a registry; it is listening when this resolves, and gone after the test. */
export async function startRegistry(t: Test, options: Options = {}): Promise<EmbeddedRegistry> {
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
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

  async #control<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const response = await fetch(`http://${this.host}/_control/${path}`, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`embedded registry, ${method} ${path}: ${text}`)
    return JSON.parse(text) as Answer
  }
}

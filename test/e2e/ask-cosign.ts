/** What the real cosign 3 says of something that the embedded registry holds, asked for all that the scheme has. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '#core/domain/digest.ts'
import { ALICE, PROVENANCE, type Scheme } from '../conformance/schemes.ts'
import type { Runner } from '../stack/make-runner.ts'
import { CommandFailed } from '../stack/run-command.ts'

const SIGNATURE = 'https://sigstore.dev/cosign/sign/v1'

export type Question = {
  readonly scheme: Scheme
  /** With its repository and digest. */
  readonly image: string
  readonly digest: Digest
  /** Of a bundle that cosign does not take from a registry: it wants version 0.3 there, and reads the others from files. */
  readonly bundle?: Uint8Array | undefined
  readonly trustedRoot: string
  /** A file with the public key, where the scheme signs with one. */
  readonly publicKey: string
  readonly subject?: string
}

/** Gives undefined where cosign accepts it, else the last line of its complaint. */
export async function askCosign(cosign: Runner, question: Question): Promise<string | undefined> {
  const { bundle, image, trustedRoot } = question
  const args = [...whatFlags(question), ...whoFlags(question), `--trusted-root=${trustedRoot}`]
  try {
    if (bundle === undefined) await cosign.run([...args, image])
    else await cosign.run([...args, `--bundle=${await write(cosign, question, bundle)}`])
    return undefined
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    return error.output.stderr.trimEnd().split('\n').at(-1) ?? ''
  }
}

function whatFlags({ scheme: { order }, digest, bundle }: Question): readonly string[] {
  const { predicateType } = order
  if (bundle !== undefined) {
    const type = `--type=${predicateType ?? SIGNATURE}`
    return ['verify-blob-attestation', type, `--digest=${digest.slice('sha256:'.length)}`, '--digestAlg=sha256']
  }
  const stamps = order.timestamp === true ? ['--use-signed-timestamps'] : []
  return predicateType === undefined ? ['verify', ...stamps] : ['verify-attestation', `--type=${PROVENANCE}`, ...stamps]
}

function whoFlags({ scheme, publicKey, subject = ALICE.subject }: Question): readonly string[] {
  if (scheme.order.keyless === undefined) return [`--key=${publicKey}`]
  return [`--certificate-identity=${subject}`, `--certificate-oidc-issuer=${ALICE.issuer}`]
}

async function write(cosign: Runner, { digest }: Question, bundle: Uint8Array): Promise<string> {
  const file = join(cosign.folder, `${digest.slice('sha256:'.length)}.json`)
  await writeFile(file, bundle)
  return file
}

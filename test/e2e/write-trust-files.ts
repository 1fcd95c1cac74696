/** A trust root in the files of PEM that cosign 2 wants. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

type Authority = { readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] } }
type Log = { readonly baseUrl: string; readonly publicKey: { readonly rawBytes: string } }
type TrustedRoot = Readonly<Record<'certificateAuthorities' | 'timestampAuthorities', readonly Authority[]>> &
  Readonly<Record<'ctlogs' | 'tlogs', readonly Log[]>>

/** Writes what is current in the trust root of the embedded Sigstore `acme`, and gives the environment that names the files. */
export async function writeTrustFiles(root: object, folder: string): Promise<Readonly<Record<string, string>>> {
  const { certificateAuthorities, ctlogs, tlogs, timestampAuthorities } = root as TrustedRoot
  const write = async (name: string, label: string, bodies: readonly string[] = []) => {
    const file = join(folder, name)
    await writeFile(file, bodies.map(body => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`).join(''))
    return file
  }
  const chain = (name: string, [authority]: readonly Authority[]) =>
    write(
      name,
      'CERTIFICATE',
      authority?.certChain.certificates.map(({ rawBytes }) => rawBytes),
    )
  const key = (name: string, logs: readonly Log[]) => {
    const log = logs.find(({ baseUrl }) => baseUrl === `https://${name}.acme.test`)
    return write(name, 'PUBLIC KEY', log === undefined ? [] : [log.publicKey.rawBytes])
  }
  return {
    SIGSTORE_ROOT_FILE: await chain('fulcio', certificateAuthorities),
    SIGSTORE_TSA_CERTIFICATE_FILE: await chain('tsa', timestampAuthorities),
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: await key('ctlog', ctlogs),
    SIGSTORE_REKOR_PUBLIC_KEY: await key('rekor', tlogs),
  }
}

/** A private Sigstore of the real programs, and the files by which cosign and we trust it. */
import { join } from 'node:path'
import { type CtLog, type Fulcio, startFulcio } from './fulcio.ts'
import { makeCosign3, type Runner } from './make-runner.ts'
import { type OidcIssuer, startOidcIssuer } from './oidc-issuer.ts'
import type { Owner } from './owner.ts'
import { type Rekor, startRekor1, startRekor2 } from './rekor.ts'
import { startTimestampAuthority, type TimestampAuthority } from './timestamp-authority.ts'

export type Sigstore = {
  readonly issuer: OidcIssuer
  readonly fulcio: Fulcio
  readonly ctLog: CtLog
  readonly rekor1: Rekor
  readonly rekor2: Rekor
  readonly timestampAuthority: TimestampAuthority
  /** A trusted_root.json with all of them. */
  readonly trustedRoot: string
  /** A signing_config.json that logs to Rekor v2 and takes the time from the timestamp authority, as cosign 3 does by default. */
  readonly signingConfig: string
  /** A signing_config.json that logs to Rekor v1 and takes the time from the log. */
  readonly signingConfig1: string
  /** The environment by which cosign 2 trusts them. */
  readonly cosign2Env: Readonly<Record<string, string>>
}

/** Starts all of it for the owner and has cosign write the trust files. */
export async function startSigstore(owner: Owner): Promise<Sigstore> {
  const issuer = await startOidcIssuer(owner)
  const [{ fulcio, ctLog }, rekor1, rekor2, timestampAuthority, cosign] = await Promise.all([
    startFulcio(owner, issuer),
    startRekor1(owner),
    startRekor2(owner),
    startTimestampAuthority(owner),
    makeCosign3(owner),
  ])
  const services = { issuer, fulcio, ctLog, rekor1, rekor2, timestampAuthority }
  const [trustedRoot, signingConfig, signingConfig1] = await Promise.all([
    writeTrustedRoot(cosign, services),
    writeSigningConfig(cosign, 'signing_config.json', [
      ...serviceFlags('rekor', rekor2.url, 2),
      ...serviceFlags('tsa', timestampAuthority.url, 1),
      '--tsa-config=ANY',
      ...serviceFlags('fulcio', fulcio.url, 1),
    ]),
    writeSigningConfig(cosign, 'signing_config.v1.json', [
      ...serviceFlags('rekor', rekor1.url, 1),
      ...serviceFlags('fulcio', fulcio.url, 1),
    ]),
  ])
  const cosign2Env = {
    SIGSTORE_ROOT_FILE: fulcio.chainFile,
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: ctLog.publicKeyFile,
    SIGSTORE_REKOR_PUBLIC_KEY: rekor1.publicKeyFile,
    SIGSTORE_TSA_CERTIFICATE_FILE: timestampAuthority.chainFile,
  }
  return { ...services, trustedRoot, signingConfig, signingConfig1, cosign2Env }
}

type Services = Omit<Sigstore, 'trustedRoot' | 'signingConfig' | 'signingConfig1' | 'cosign2Env'>

async function writeTrustedRoot(cosign: Runner, services: Services): Promise<string> {
  const { fulcio, ctLog, rekor1, rekor2, timestampAuthority } = services
  const since = startTime()
  await cosign.run([
    'trusted-root',
    'create',
    `--fulcio=url=${fulcio.url},certificate-chain=${fulcio.chainFile}`,
    `--ctfe=url=${ctLog.url},public-key=${ctLog.publicKeyFile},start-time=${since}`,
    `--rekor=url=${rekor1.url},public-key=${rekor1.publicKeyFile},start-time=${since}`,
    `--rekor=url=${rekor2.url},public-key=${rekor2.publicKeyFile},start-time=${since},origin=127.0.0.1`,
    `--tsa=url=${timestampAuthority.url},certificate-chain=${timestampAuthority.chainFile}`,
    '--out=trusted_root.json',
  ])
  return join(cosign.folder, 'trusted_root.json')
}

async function writeSigningConfig(cosign: Runner, name: string, flags: readonly string[]): Promise<string> {
  await cosign.run(['signing-config', 'create', ...flags, '--rekor-config=ANY', `--out=${name}`])
  return join(cosign.folder, name)
}

function serviceFlags(kind: 'fulcio' | 'rekor' | 'tsa', url: string, version: number): readonly string[] {
  return [`--${kind}=url=${url},api-version=${version},start-time=${startTime()},operator=stack`]
}

/** An hour ago: nothing that a test makes may be older than what it is checked with. */
function startTime(): string {
  return new Date(Date.now() - 60 * 60 * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}

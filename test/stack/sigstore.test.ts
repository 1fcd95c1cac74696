import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeCosign2, makeCosign3, makeCrane } from './make-runner.ts'
import { startOidcIssuer } from './oidc-issuer.ts'
import { startOlareg } from './registries.ts'
import { startRekor1 } from './rekor.ts'
import { startSigstore } from './sigstore.ts'

t.setTimeout(120_000)

const [sigstore, olareg, crane, cosign2, cosign3] = await Promise.all([
  startSigstore(t),
  startOlareg(t),
  makeCrane(t),
  makeCosign2(t),
  makeCosign3(t),
])

const { issuer, fulcio, rekor1, timestampAuthority } = sigstore
const EMAIL = 'jane@shop.test'
const WORKFLOW = 'shop/web/.github/workflows/release.yml@refs/heads/main'
const TRUST = `--trusted-root=${sigstore.trustedRoot}`
const AS_JANE = [`--certificate-identity=${EMAIL}`, `--certificate-oidc-issuer=${issuer.people}`]
const AS_WORKFLOW = [
  `--certificate-identity=https://github.com/${WORKFLOW}`,
  `--certificate-oidc-issuer=${issuer.workflows}`,
]

/** Every name is a repository of its own, so no test sees the signatures of another. */
async function pushImage(name: string): Promise<string> {
  const args = ['append', '--oci-empty-base', '--new_layer=/dev/null', `--new_tag=${olareg.host}/${name}:1`]
  return (await crane.run(args)).stdout.trim()
}

type Descriptor = { readonly digest: string; readonly mediaType: string }
type Bundle = {
  readonly verificationMaterial: {
    readonly certificate: { readonly rawBytes: string }
    readonly tlogEntries: readonly {
      readonly kindVersion: { readonly version: string }
      readonly inclusionPromise?: { readonly signedEntryTimestamp: string }
    }[]
    readonly timestampVerificationData: { readonly rfc3161Timestamps: readonly unknown[] }
  }
  readonly dsseEnvelope: { readonly payload: string }
}

/** The only bundle that refers to the image. */
async function fetchBundle(image: string): Promise<Bundle> {
  const [repository = '', digest] = image.replace(olareg.host, '').split('@')
  const api = `http://${olareg.host}/v2${repository}`
  const { manifests } = await fetchJson<{ manifests: Descriptor[] }>(`${api}/referrers/${digest}`)
  const [referrer, ...others] = manifests
  t.strictSame(others, [], 'one signature, one referrer')
  const headers = { accept: referrer?.mediaType ?? '' }
  const { layers } = await fetchJson<{ layers: Descriptor[] }>(`${api}/manifests/${referrer?.digest}`, headers)
  return fetchJson(`${api}/blobs/${layers[0]?.digest}`)
}

async function fetchJson<T>(url: string, headers: Record<string, string> = {}): Promise<T> {
  return (await (await fetch(url, { headers })).json()) as T
}

function certificateOf({ verificationMaterial }: Bundle): X509Certificate {
  return new X509Certificate(Buffer.from(verificationMaterial.certificate.rawBytes, 'base64'))
}

t.test('the trusted root names every program', async t => {
  const root = JSON.parse(await readFile(sigstore.trustedRoot, 'utf8'))
  const logs = root.tlogs.map((log: { baseUrl: string }) => log.baseUrl)
  t.strictSame(logs.toSorted(), [rekor1.url, sigstore.rekor2.url].toSorted())
  t.match(root.certificateAuthorities, [{ uri: fulcio.url }])
  t.match(root.ctlogs, [{ baseUrl: sigstore.ctLog.url }])
  t.match(root.timestampAuthorities, [{ uri: timestampAuthority.url }])
})

t.test('cosign 3 signs as a person, logged in Rekor v2, and verifies that person and no other', async t => {
  const image = await pushImage('person/web')
  const sign = ['sign', `--signing-config=${sigstore.signingConfig}`, TRUST]
  await cosign3.run([...sign, `--identity-token=${issuer.emailToken(EMAIL)}`, image])
  await cosign3.run(['verify', TRUST, ...AS_JANE, image])
  await t.rejects(cosign3.run(['verify', TRUST, ...AS_WORKFLOW, image]), { message: /expected SAN value/ })
  const { verificationMaterial } = await fetchBundle(image)
  const [entry] = verificationMaterial.tlogEntries
  t.equal(entry?.kindVersion.version, '0.0.2')
  t.equal(entry?.inclusionPromise, undefined, 'a log of tiles promises nothing')
  t.equal(verificationMaterial.timestampVerificationData.rfc3161Timestamps.length, 1)
})

t.test('cosign 3 signs as a workflow, logged in Rekor v1, and the certificate carries its extensions', async t => {
  const image = await pushImage('workflow/web')
  const sign = ['sign', `--signing-config=${sigstore.signingConfig1}`, TRUST]
  await cosign3.run([...sign, `--identity-token=${issuer.workflowToken(WORKFLOW)}`, image])
  await cosign3.run(['verify', TRUST, ...AS_WORKFLOW, '--certificate-github-workflow-ref=refs/heads/main', image])
  const bundle = await fetchBundle(image)
  const [entry] = bundle.verificationMaterial.tlogEntries
  t.equal(entry?.kindVersion.version, '0.0.1')
  t.ok(entry?.inclusionPromise?.signedEntryTimestamp)
  t.equal(certificateOf(bundle).subjectAltName, `URI:https://github.com/${WORKFLOW}`)
  // 1.3.6.1.4.1.11129.2.4.2, the list of SCTs, in DER.
  const sctList = Buffer.from('060a2b06010401d679020402', 'hex')
  t.ok(certificateOf(bundle).raw.includes(sctList), 'the log of certificates has promised it')
})

t.test('cosign 2 signs and verifies as a person, through the first versions of all interfaces', async t => {
  const image = await pushImage('legacy/web')
  const env = sigstore.cosign2Env
  const services = [
    `--fulcio-url=${fulcio.url}`,
    `--rekor-url=${rekor1.url}`,
    `--timestamp-server-url=${timestampAuthority.url}`,
  ]
  await cosign2.run(['sign', ...services, `--identity-token=${issuer.emailToken(EMAIL)}`, image], { env })
  const verify = ['verify', `--rekor-url=${rekor1.url}`, '--use-signed-timestamps', image]
  const { stdout } = await cosign2.run([...verify, ...AS_JANE], { env })
  t.match(JSON.parse(stdout), [{ optional: { Subject: EMAIL, Issuer: issuer.people } }])
  await t.rejects(cosign2.run([...verify, ...AS_WORKFLOW], { env }), { name: 'CommandFailed' })
})

t.test('cosign 3 attests, and verifies the predicate', async t => {
  const image = await pushImage('attested/web')
  const predicate = ['--predicate=review.json', '--type=https://shop.test/reviewed']
  const attest = ['attest', ...predicate, `--signing-config=${sigstore.signingConfig}`, TRUST]
  await writeFile(join(cosign3.folder, 'review.json'), JSON.stringify({ reviewer: 'jane' }))
  await cosign3.run([...attest, `--identity-token=${issuer.emailToken(EMAIL)}`, image])
  await cosign3.run(['verify-attestation', '--type=https://shop.test/reviewed', TRUST, ...AS_JANE, image])
  const { dsseEnvelope } = await fetchBundle(image)
  const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString())
  t.match(statement, { predicateType: 'https://shop.test/reviewed', predicate: { reviewer: 'jane' } })
})

t.test('Fulcio certifies nobody for an issuer that it does not know', async t => {
  const image = await pushImage('stranger/web')
  const stranger = await startOidcIssuer(t)
  const sign = ['sign', `--signing-config=${sigstore.signingConfig}`, TRUST, image]
  await t.rejects(cosign3.run([...sign, `--identity-token=${stranger.emailToken(EMAIL)}`]), {
    message: /Fulcio returned 400.*error processing the identity token/,
  })
})

t.test('a log that was stopped is an outage, and its log says what it did', async t => {
  const rekor = await startRekor1(t)
  await rekor.stop()
  await t.rejects(fetch(`${rekor.url}/api/v1/log`))
  t.match(await readFile(rekor.logFile, 'utf8'), /Serving rekor server/)
})

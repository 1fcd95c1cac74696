import { createPublicKey, X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { BasicConstraints, Certificate, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName } from '@peculiar/asn1-x509'
import t from 'tap'
import type { Json } from '#test/embedded/registry/ask.ts'
import { askOf, digestOf, fetchTrueOf } from '#test/embedded/registry/ask.ts'
import { firstReferrer, readBundle } from '#test/embedded/registry/read-signature.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { KEYLESS, schemeFor, signNew } from './sign-by-need.ts'

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
const get = askOf(registry)
const root: Json = await registry.sigstore({ name: 'acme' })

const USAGE = '2.5.29.15'
const PURPOSE = '2.5.29.37'
const NAMES = '2.5.29.17'
const CONSTRAINTS = '2.5.29.19'
const ISSUER_V1 = '1.3.6.1.4.1.57264.1.1'
const ISSUER_V2 = '1.3.6.1.4.1.57264.1.8'
const SCT = '1.3.6.1.4.1.11129.2.4.2'
/** Critical ones with an exclamation mark. */
const GOOD = [`${USAGE}!`, PURPOSE, '2.5.29.14', '2.5.29.35', `${NAMES}!`, ISSUER_V1, ISSUER_V2, SCT]

/** The certificate of a bundle, and its extensions by a reader that is not ours. */
function read(text: string) {
  const { certificate, x509CertificateChain } = JSON.parse(text).verificationMaterial
  const base64: string = (certificate ?? x509CertificateChain.certificates[0]).rawBytes
  const der = Buffer.from(base64, 'base64')
  const { extensions = [], validity } = AsnConvert.parse(der, Certificate).tbsCertificate
  const valueOf = (id: string, nth = 0) => extensions.filter(one => one.extnID === id)[nth]?.extnValue.buffer
  return {
    x509: new X509Certificate(der),
    listed: Array.from(extensions, ({ extnID, critical }) => (critical ? `${extnID}!` : extnID)),
    validity: { from: validity.notBefore.getTime().getTime(), to: validity.notAfter.getTime().getTime() },
    raw: (id: string) => Buffer.from(valueOf(id) ?? new ArrayBuffer()).toString(),
    parsed: <Type>(id: string, type: new () => Type, nth = 0) =>
      AsnConvert.parse(valueOf(id, nth) ?? new ArrayBuffer(), type),
  }
}

async function certificateWith(fault?: string) {
  const scheme = schemeFor(['rekor2'])
  return read((await signNew(registry, get, fault === undefined ? scheme : { ...scheme, fault })).text)
}

t.test('a certificate lives ten minutes, and has what Fulcio puts into it, in its order', async t => {
  const { x509, listed, validity, raw, parsed } = await certificateWith()
  t.strictSame(listed, GOOD)
  t.equal(validity.to - validity.from, 600_000)
  t.equal(parsed(USAGE, KeyUsage).toString(), '[digitalSignature]')
  t.strictSame([...parsed(PURPOSE, ExtendedKeyUsage)], ['1.3.6.1.5.5.7.3.3'])
  t.equal(parsed(NAMES, SubjectAlternativeName)[0]?.uniformResourceIdentifier, KEYLESS.subject)
  t.equal(raw(ISSUER_V1), KEYLESS.issuer)
  t.equal(raw(ISSUER_V2), `\x0c${String.fromCharCode(KEYLESS.issuer.length)}${KEYLESS.issuer}`)
  t.equal(x509.subject, undefined)

  const fetchTrue = fetchTrueOf(get)
  const recorded = 'vec/keyless-bundle-rekor2-tsa'
  const image = digestOf(await fetchTrue(recorded, 'manifests', 'v1'))
  const theirs = read((await readBundle(fetchTrue, recorded, await firstReferrer(get, recorded, image))).text)
  // a newer Fulcio than oid-info.md tells of adds the subject of the token
  t.strictSame(
    listed,
    theirs.listed.filter(id => id !== '1.3.6.1.4.1.57264.1.24'),
  )
})

t.test('the chain of the trust root issued it, link by link', async t => {
  const { x509 } = await certificateWith()
  const [issuer, top] = root['certificateAuthorities'][0].certChain.certificates.map(
    ({ rawBytes }: Json) => new X509Certificate(Buffer.from(rawBytes, 'base64')),
  ) as [X509Certificate, X509Certificate]
  t.ok(x509.checkIssued(issuer) && x509.verify(issuer.publicKey))
  t.ok(issuer.checkIssued(top) && issuer.verify(top.publicKey))
  t.ok(top.checkIssued(top) && top.verify(top.publicKey))
  t.ok(issuer.ca && top.ca && !x509.ca)
  const forged = (await certificateWith('untrusted-ca')).x509
  t.strictSame([forged.issuer, forged.verify(issuer.publicKey)], [x509.issuer, false])
  const flipped = (await certificateWith('leaf-signature-flipped')).x509
  t.strictSame([flipped.checkIssued(issuer), flipped.verify(issuer.publicKey)], [true, false])
})

t.test('a certificate with a fault lacks, has or says just that', async t => {
  const less = (...ids: readonly string[]) => GOOD.filter(id => !ids.includes(id))
  const more = (id: string) => [...less(SCT), id, SCT]
  const expected: Readonly<Record<string, readonly string[]>> = {
    'no-code-signing-eku': less(PURPOSE),
    'wrong-eku': GOOD,
    'no-key-usage-digital-signature': GOOD,
    'leaf-is-ca': more(`${CONSTRAINTS}!`),
    'unknown-critical-extension': more('1.3.6.1.4.1.99999.1!'),
    'duplicate-extension': more(`${NAMES}!`),
    'weak-key': GOOD,
    'no-san': less(`${NAMES}!`),
    'several-sans': GOOD,
    'username-san': GOOD,
    'no-issuer': less(ISSUER_V1, ISSUER_V2),
    'issuer-v1-only': less(ISSUER_V2),
    'issuer-v2-only': less(ISSUER_V1),
    'issuers-conflict': GOOD,
    'sct-missing': less(SCT),
    'sct-flipped': GOOD,
  }
  for (const [fault, ids] of Object.entries(expected)) t.strictSame((await certificateWith(fault)).listed, ids, fault)
  t.strictSame([...(await certificateWith('wrong-eku')).parsed(PURPOSE, ExtendedKeyUsage)], ['1.3.6.1.5.5.7.3.1'])
  const usage = (await certificateWith('no-key-usage-digital-signature')).parsed(USAGE, KeyUsage)
  t.equal(usage.toString(), '[keyEncipherment]')
  t.equal((await certificateWith('leaf-is-ca')).parsed(CONSTRAINTS, BasicConstraints).cA, true)
  const { modulusLength } = (await certificateWith('weak-key')).x509.publicKey.asymmetricKeyDetails ?? {}
  t.equal(modulusLength, 1024)
})

t.test('names and issuers are those that the fault says', async t => {
  const several = (await certificateWith('several-sans')).parsed(NAMES, SubjectAlternativeName)
  t.strictSame(
    Array.from(several, name => name.uniformResourceIdentifier ?? name.rfc822Name),
    [KEYLESS.subject, 'https://ci.other.test/second', 'second@other.test'],
  )
  const [user] = (await certificateWith('username-san')).parsed(NAMES, SubjectAlternativeName)
  t.equal(user?.otherName?.typeId, '1.3.6.1.4.1.57264.1.7')
  t.match(Buffer.from(user?.otherName?.value ?? new ArrayBuffer()).toString(), /alice!users\.test$/)
  const [second] = (await certificateWith('duplicate-extension')).parsed(NAMES, SubjectAlternativeName, 1)
  t.equal(second?.rfc822Name, 'mallory@other.test')
  const { raw } = await certificateWith('issuers-conflict')
  t.strictSame([raw(ISSUER_V1), raw(ISSUER_V2).slice(2)], [KEYLESS.issuer, 'https://issuer.other.test'])
})

t.test('the faults of intermediates come along in the chain, under the root that is trusted', async t => {
  const top = Buffer.from(root['certificateAuthorities'][0].certChain.certificates[1].rawBytes, 'base64')
  const chainWith = async (fault: string) => {
    const { text } = await signNew(registry, get, { ...schemeFor(['chain']), fault })
    const { certificates } = JSON.parse(text).verificationMaterial.x509CertificateChain
    return certificates.map(
      ({ rawBytes }: Json) => new X509Certificate(Buffer.from(rawBytes, 'base64')),
    ) as readonly X509Certificate[]
  }
  for (const [fault, length] of [
    ['intermediate-not-ca', 2],
    ['intermediate-no-cert-sign', 2],
    ['intermediate-path-length-exceeded', 3],
  ] as const) {
    const chain = await chainWith(fault)
    t.equal(chain.length, length, fault)
    const linked = [...chain, new X509Certificate(top)]
    t.ok(
      chain.every((one, nth) => one.verify(linked[nth + 1]?.publicKey ?? createPublicKey(''))),
      fault,
    )
  }
  t.equal((await chainWith('intermediate-not-ca'))[1]?.ca, false)
})

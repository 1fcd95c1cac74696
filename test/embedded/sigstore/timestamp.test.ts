import { createHash, verify, X509Certificate } from 'node:crypto'
import { id_signedData, SignedData } from '@peculiar/asn1-cms'
import { AsnConvert } from '@peculiar/asn1-schema'
import { id_ct_tstInfo, TimeStampResp, TSTInfo } from '@peculiar/asn1-tsp'
import { Certificate, ExtendedKeyUsage } from '@peculiar/asn1-x509'
import t from 'tap'
import type { Json } from '#test/embedded/registry/ask.ts'
import { askOf, digestOf, fetchTrueOf } from '#test/embedded/registry/ask.ts'
import { firstReferrer, readBundle } from '#test/embedded/registry/read-signature.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { KEYLESS, schemeFor, signNew } from './sign-by-need.ts'

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
const get = askOf(registry)
const root: Json = await registry.sigstore({ name: 'acme' })

/** The tags of DER, one in the other, without what they hold. */
function skeletonOf(der: Uint8Array): unknown {
  const parts = []
  for (let at = 0; at < der.length; ) {
    const [tag = 0, first = 0] = der.subarray(at)
    const more = first < 0x80 ? 0 : first & 0x7f
    const length =
      more === 0 ? first : Number.parseInt(Buffer.from(der.subarray(at + 2, at + 2 + more)).toString('hex'), 16)
    const start = at + 2 + more
    const value = der.subarray(start, start + length)
    parts.push((tag & 0x20) === 0 ? tag : [tag, skeletonOf(value)])
    at = start + length
  }
  return parts
}

/** The first timestamp of a bundle, by a reader that is not ours. */
function read(text: string) {
  const { verificationMaterial, dsseEnvelope } = JSON.parse(text)
  const der = Buffer.from(verificationMaterial.timestampVerificationData.rfc3161Timestamps[0].signedTimestamp, 'base64')
  const { status, timeStampToken } = AsnConvert.parse(der, TimeStampResp)
  const signed = AsnConvert.parse(timeStampToken?.content ?? new ArrayBuffer(), SignedData)
  const encapsulated = Buffer.from(signed.encapContentInfo.eContent?.single?.buffer ?? new ArrayBuffer())
  const bag = Array.from(signed.certificates ?? [], ({ certificate }) => Buffer.from(AsnConvert.serialize(certificate)))
  return {
    der,
    status: status.status as number,
    contentType: timeStampToken?.contentType,
    signed,
    encapsulated,
    info: AsnConvert.parse(encapsulated, TSTInfo),
    bag,
    signature: Buffer.from(dsseEnvelope.signatures[0].sig, 'base64'),
  }
}

async function stampWith(order: object = {}) {
  return read((await signNew(registry, get, { ...schemeFor(['rekor2', 'timestamp']), ...order })).text)
}

/** Whether the certificate's key signed the attributes, and these name the certificate and the content. */
function isSignedBy(certificate: Buffer, { signed, encapsulated }: Awaited<ReturnType<typeof stampWith>>) {
  const [signer] = signed.signerInfos
  const parts = Buffer.concat((signer?.signedAttrs ?? []).map(one => Buffer.from(AsnConvert.serialize(one))))
  // RFC 5652, section 5.4: what is signed has the tag of a SET; a length of 128 to 255 takes two bytes
  const attributes = Buffer.concat([Buffer.from([0x31, 0x81, parts.length]), parts])
  const { publicKey } = new X509Certificate(certificate)
  const named = createHash('sha256').update(certificate).digest()
  const content = createHash('sha256').update(encapsulated).digest()
  const signature = Buffer.from(signer?.signature.buffer ?? new ArrayBuffer())
  return (
    attributes.includes(named) && attributes.includes(content) && verify('sha256', attributes, publicKey, signature)
  )
}

const authority = Buffer.from(root['timestampAuthorities'][0].certChain.certificates[0].rawBytes, 'base64')

t.test('a timestamp has the structure of a recorded one, with and without the certificate', async t => {
  const fetchTrue = fetchTrueOf(get)
  const recorded = 'vec/keyless-bundle-rekor2-tsa'
  const image = digestOf(await fetchTrue(recorded, 'manifests', 'v1'))
  const theirs = read((await readBundle(fetchTrue, recorded, await firstReferrer(get, recorded, image))).text)
  const ours = await stampWith()
  t.strictSame(skeletonOf(ours.der), skeletonOf(theirs.der))
  t.strictSame(skeletonOf(ours.encapsulated), skeletonOf(theirs.encapsulated))
  t.equal(ours.bag.length, 0)
  t.strictSame((await stampWith({ stampCertificates: true })).bag, [authority])
})

t.test('a timestamp is over the signature, at the moment that was ordered, by the authority', async t => {
  const loggedAt = new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000)
  const stamp = await stampWith({ loggedAt: loggedAt.toISOString() })
  t.strictSame(
    [stamp.status, stamp.contentType, stamp.signed.encapContentInfo.eContentType],
    [0, id_signedData, id_ct_tstInfo],
  )
  t.equal(stamp.info.messageImprint.hashAlgorithm.algorithm, '2.16.840.1.101.3.4.2.1')
  t.strictSame(
    Buffer.from(stamp.info.messageImprint.hashedMessage.buffer),
    createHash('sha256').update(stamp.signature).digest(),
  )
  t.strictSame(stamp.info.genTime, loggedAt)
  t.ok(isSignedBy(authority, stamp))
})

t.test('a timestamp with a fault has just that wrong', async t => {
  t.equal((await stampWith({ fault: 'stamp-status-rejected' })).status, 2)
  t.equal(
    (await stampWith({ fault: 'stamp-sha1-imprint' })).info.messageImprint.hashAlgorithm.algorithm,
    '1.3.14.3.2.26',
  )
  t.notOk(isSignedBy(authority, await stampWith({ fault: 'stamp-flipped' })))
  const other = await stampWith({ fault: 'stamp-other-signature' })
  t.ok(isSignedBy(authority, other))
  t.notSame(
    Buffer.from(other.info.messageImprint.hashedMessage.buffer),
    createHash('sha256').update(other.signature).digest(),
  )
  t.match((await stampWith({ fault: 'stamp-fraction-6' })).encapsulated.toString('latin1'), /\d{14}\.123456Z/)
  t.match((await stampWith({ fault: 'stamp-fraction-1' })).encapsulated.toString('latin1'), /\d{14}\.5Z/)
})

t.test('certificates come along in the order, and with the purpose, that the fault says', async t => {
  const purposeOf = (der: Buffer | undefined) => {
    const { extensions = [] } = AsnConvert.parse(der ?? Buffer.alloc(0), Certificate).tbsCertificate
    const found = extensions.find(({ extnID }) => extnID === '2.5.29.37')
    return found && [found.critical, ...AsnConvert.parse(found.extnValue.buffer, ExtendedKeyUsage)]
  }
  const stamping = '1.3.6.1.5.5.7.3.8'
  const top = new X509Certificate(
    Buffer.from(root['timestampAuthorities'][0].certChain.certificates[1].rawBytes, 'base64'),
  )
  const isTrusted = (der: Buffer | undefined) => new X509Certificate(der ?? Buffer.alloc(0)).verify(top.publicKey)
  t.strictSame(purposeOf(authority), [true, stamping])

  const none = await stampWith({ fault: 'stamp-no-eku' })
  t.strictSame([none.bag.length, purposeOf(none.bag[0]), isTrusted(none.bag[0])], [1, undefined, true])
  t.ok(isSignedBy(none.bag[0] ?? authority, none))
  const lax = await stampWith({ fault: 'stamp-eku-not-critical' })
  t.strictSame([purposeOf(lax.bag[0]), isTrusted(lax.bag[0])], [[false, stamping], true])

  const swapped = await stampWith({ fault: 'stamp-signed-by-certificate-without-stamping' })
  t.strictSame(swapped.bag[0], authority)
  t.strictSame([purposeOf(swapped.bag[1]), isTrusted(swapped.bag[1])], [[false, '1.3.6.1.5.5.7.3.3'], true])
  t.strictSame([isSignedBy(authority, swapped), isSignedBy(swapped.bag[1] ?? authority, swapped)], [false, true])

  const forged = await stampWith({ fault: 'stamp-forged-certificate-first' })
  t.strictSame([forged.bag[1], isTrusted(forged.bag[0]), isSignedBy(authority, forged)], [authority, false, true])
})

t.test(
  'a timestamp is over the signature, but over the whole envelope in the older layout of attestations',
  async t => {
    const isStampOf = async (layout: 'simple-signing' | 'attachment') => {
      const { message, annotations } = await signNew(registry, get, {
        layout,
        log: 'rekor1',
        timestamp: true,
        keyless: KEYLESS,
      })
      const { SignedRFC3161Timestamp: stamp } = JSON.parse(annotations['dev.sigstore.cosign/rfc3161timestamp'])
      const signature = Buffer.from(annotations['dev.cosignproject.cosign/signature'], 'base64')
      const isOver = (bytes: Buffer | undefined) =>
        Buffer.from(stamp, 'base64').includes(
          createHash('sha256')
            .update(bytes ?? '')
            .digest(),
        )
      return { message: isOver(message), signature: isOver(signature) }
    }
    t.strictSame(await isStampOf('simple-signing'), { message: false, signature: true })
    t.strictSame(await isStampOf('attachment'), { message: true, signature: false })
  },
)

import 'reflect-metadata'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import t from 'tap'
import type { CertificateAuthority } from '#core/domain/trust-root.ts'
import { verifyTimestamp } from '#core/verify/sigstore/time/verify-timestamp.ts'
import { authorityOf, issue, makeIssuer, trustRoot } from './make-authority.ts'
import {
  AT,
  attribute,
  type Changes,
  hashAlgorithm,
  KEYS,
  makeTimestamp,
  type Stamper,
  T,
  TYPE,
} from './make-timestamp.ts'

const ARTEFACT = Buffer.from('artefact')
const SIGNER = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const SIGNATURE = sign('sha256', ARTEFACT, SIGNER.privateKey)

/** What @sigstore/verify says of a signature by a key that has this timestamp and nothing else to show. */
function theirs(response: Uint8Array, authorities: readonly CertificateAuthority[]): 'stamped' | 'refusal' {
  const root = TrustedRoot.fromJSON({
    timestampAuthorities: authorities.map(({ chain, validFor }) => ({
      certChain: { certificates: chain.map(rawBytes => ({ rawBytes })) },
      validFor: { start: isoOf(validFor.from), end: isoOf(validFor.until) },
    })),
  })
  const key = { rawBytes: SIGNER.publicKey.export({ format: 'der', type: 'spki' }) }
  const bundle = bundleFromJSON({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      publicKey: { hint: 'signer' },
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: Buffer.from(response).toString('base64') }] },
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(ARTEFACT).digest('base64') },
      signature: SIGNATURE.toString('base64'),
    },
  })
  const material = toTrustMaterial(root, { signer: key as never })
  try {
    new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 }).verify(
      toSignedEntity(bundle, ARTEFACT),
    )
    return 'stamped'
  } catch {
    return 'refusal'
  }
}

function isoOf(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}

const ROOT = await makeIssuer('CN=root')

async function makeStamper(key: 'p256' | 'p384' | 'p521'): Promise<Stamper> {
  const { publicKey, privateKey } = KEYS[key]()
  return { ...(await issue(publicKey, ROOT)), key: privateKey }
}

const TSA = await makeStamper('p256')
const OTHER = await makeStamper('p256')

/** What both of them know: ECDSA, whole seconds, a certificate in the trust root that is named by its number. */
const CASES: Readonly<Record<string, readonly ['stamped' | 'refusal', Changes]>> = {
  right: ['stamped', {}],
  'with the certificate beside it': ['stamped', { certificates: [TSA.der] }],
  'over SHA-384': ['stamped', { hash: 'sha384', scheme: 'ecdsa-sha384' }],
  'over SHA-512': ['stamped', { hash: 'sha512', scheme: 'ecdsa-sha512' }],
  'with accuracy, nonce and name': [
    'stamped',
    { info: { accuracy: T.seq(T.int(1)), nonce: T.int(3), authority: T.explicit(0, T.explicit(4, ROOT.issuer)) } },
  ],
  'with attributes that are not signed': [
    'stamped',
    { signer: { unsigned: T.explicit(1, attribute('1.2.3', T.nothing())) } },
  ],
  'of something else': ['refusal', { info: { imprint: T.seq(hashAlgorithm('sha256'), T.octets(Buffer.alloc(32))) } }],
  'with the digest of other content': [
    'refusal',
    { attributes: { messageDigest: attribute(TYPE.messageDigest, T.octets(Buffer.alloc(32))) } },
  ],
  'with a signature by another key': [
    'refusal',
    { signer: { signature: T.octets(sign('sha256', ARTEFACT, OTHER.key)) } },
  ],
  'with content of another type': [
    'refusal',
    { data: { content: T.seq(T.oid('1.2.840.113549.1.7.1'), T.explicit(0, T.octets(T.seq()))) } },
  ],
  'before the authority was in use': ['refusal', { info: { time: T.time('20250101000000Z') } }],
  'after it': ['refusal', { info: { time: T.time('20290101000000Z') } }],
}

t.test('where @sigstore/verify knows the algorithm, it and we agree', async t => {
  const validFor = { from: AT - 1000, until: AT + 1000 }
  const authorities = [authorityOf([TSA, ROOT], 'tsa', validFor)]
  for (const [name, [expected, changes]] of Object.entries(CASES)) {
    const response = makeTimestamp(SIGNATURE, TSA, changes)
    t.equal(verifyTimestamp(response, SIGNATURE, trustRoot(authorities)).kind, expected, `ours: ${name}`)
    t.equal(theirs(response, authorities), expected, `theirs: ${name}`)
  }
  for (const [key, scheme] of [
    ['p384', 'ecdsa-sha384'],
    ['p521', 'ecdsa-sha512'],
  ] as const) {
    const stamper = await makeStamper(key)
    const chain = [authorityOf([stamper, ROOT], key)]
    const response = makeTimestamp(SIGNATURE, stamper, { scheme })
    t.equal(verifyTimestamp(response, SIGNATURE, trustRoot(chain)).kind, 'stamped', `ours: ${key}`)
    t.equal(theirs(response, chain), 'stamped', `theirs: ${key}`)
  }
  const stranger = [authorityOf([OTHER, ROOT], 'other')]
  const response = makeTimestamp(SIGNATURE, TSA)
  t.equal(verifyTimestamp(response, SIGNATURE, trustRoot(stranger)).kind, 'refusal', 'ours: a stranger')
  t.equal(theirs(response, stranger), 'refusal', 'theirs: a stranger')
})

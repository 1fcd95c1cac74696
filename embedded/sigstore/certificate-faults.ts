/** What can be wrong with a certificate, with the promise in it, or with those above it. */
import { generateKeyPairSync } from 'node:crypto'
import { octets } from './der.ts'
import type { Extension } from './extensions.ts'
import {
  basicConstraints,
  extendedKeyUsage,
  generalName,
  ID,
  issuerV2,
  keyUsage,
  subjectAltName,
  subjectKey,
  userName,
} from './extensions.ts'
import type { Fault } from './fault.ts'
import { flipLastBit } from './key-pair.ts'
import type { LeafPlan } from './leaf.ts'

const MINUTE_MS = 60 * 1000

export const CERTIFICATE_FAULTS = {
  'untrusted-ca': {
    says: 'issued by an authority of the same names and other keys',
    needs: ['certificate'],
    from: { authority: 'forged' },
  },
  'ca-ended': {
    says: 'issued by an authority that the trust root says had ended before',
    needs: ['certificate'],
    from: { authority: 'retired' },
  },
  'leaf-signature-flipped': {
    says: 'a bit of the signature of the authority is flipped',
    needs: ['certificate'],
    certificate: flipLastBit,
  },
  'expired-before-log': {
    says: 'logged and stamped a minute after the certificate ended',
    needs: ['certificate'],
    moments: ({ logged }) => ({ signed: earlier(logged, 11), logged }),
  },
  'logged-before-valid': {
    says: 'logged and stamped a minute before the certificate began',
    needs: ['certificate'],
    moments: ({ signed }) => ({ signed, logged: earlier(signed, 1) }),
  },
  'no-code-signing-eku': {
    says: 'there is no extended key usage',
    needs: ['certificate'],
    leaf: without(ID.extendedKeyUsage),
  },
  'wrong-eku': {
    says: 'the extended key usage is that of TLS servers',
    needs: ['certificate'],
    leaf: replacing(ID.extendedKeyUsage, extendedKeyUsage('serverAuth')),
  },
  'no-key-usage-digital-signature': {
    says: 'the key usage is to encrypt keys only',
    needs: ['certificate'],
    leaf: replacing(ID.keyUsage, keyUsage('keyEncipherment')),
  },
  'leaf-is-ca': {
    says: 'the basic constraints say that it is an authority',
    needs: ['certificate'],
    leaf: adding(basicConstraints(true)),
  },
  'unknown-critical-extension': {
    says: 'there is a critical extension that nobody knows',
    needs: ['certificate'],
    leaf: adding({ id: '1.3.6.1.4.1.99999.1', critical: true, value: octets(Buffer.from('unknown')) }),
  },
  'duplicate-extension': {
    says: 'there are two subject alternative names, the second with another identity',
    needs: ['certificate'],
    leaf: adding(subjectAltName(generalName('mallory@other.test'))),
  },
  'weak-key': { says: 'the key is RSA of 1024 bits', needs: ['certificate'], leaf: weaken },
  'no-san': { says: 'nobody is named', needs: ['certificate'], leaf: without(ID.subjectAltName) },
  'several-sans': {
    says: 'two more identities are named, a URI and an address, after those that were ordered',
    good: true,
    needs: ['certificate'],
    leaf: addNames,
  },
  'username-san': {
    says: 'the only identity is a user name, alice!users.test, as otherName',
    good: true,
    needs: ['certificate'],
    leaf: replacing(ID.subjectAltName, subjectAltName(userName('alice!users.test'))),
  },
  'no-issuer': {
    says: 'no issuer is named, in neither form',
    needs: ['certificate'],
    leaf: plan => without(ID.issuerV1)(without(ID.issuerV2)(plan)),
  },
  'issuer-v1-only': {
    says: 'the issuer stands in the older form only',
    good: true,
    needs: ['certificate'],
    leaf: without(ID.issuerV2),
  },
  'issuer-v2-only': {
    says: 'the issuer stands in the newer form only',
    good: true,
    needs: ['certificate'],
    leaf: without(ID.issuerV1),
  },
  'issuers-conflict': {
    says: 'the newer form names another issuer, https://issuer.other.test, than the older',
    needs: ['certificate'],
    leaf: replacing(ID.issuerV2, issuerV2('https://issuer.other.test')),
  },
  'intermediate-not-ca': {
    says: 'the basic constraints of the intermediate say that it is no authority',
    needs: ['certificate', 'chain'],
    intermediate: plan => ({ ...plan, isCa: false }),
  },
  'intermediate-no-cert-sign': {
    says: 'the key usage of the intermediate is to sign revocation lists only',
    needs: ['certificate', 'chain'],
    intermediate: plan => ({ ...plan, usage: 'crlSign' }),
  },
  'intermediate-path-length-exceeded': {
    says: 'there is an intermediate below one that says there is none',
    needs: ['certificate', 'chain'],
    intermediate: plan => ({ ...plan, depth: 2 }),
  },
  'intermediate-expired': {
    says: 'the certificate of the intermediate had ended, though the trust root believes in the authority still',
    needs: ['certificate'],
    from: { authority: 'worn' },
  },
  'sct-missing': { says: 'there is no promise of a certificate log', needs: ['certificate'], leaf: promised(() => []) },
  'sct-flipped': {
    says: 'a bit of the signature of the certificate log is flipped',
    needs: ['certificate'],
    leaf: promised(scts => scts.map(flipLastBit)),
  },
  'sct-unknown-log': {
    says: 'promised by a certificate log of the same name and another key',
    needs: ['certificate'],
    from: { ctLog: 'forged' },
  },
  'sct-other-certificate': {
    says: 'the promise is for another certificate of the same authority',
    needs: ['certificate'],
    leaf: plan => ({ ...plan, scts: entry => plan.scts({ ...entry, tbs: flipLastBit(entry.tbs) }) }),
  },
  'sct-after-log-ended': {
    says: 'promised by a certificate log that the trust root says had ended before',
    needs: ['certificate'],
    from: { ctLog: 'retired' },
  },
} as const satisfies Record<string, Fault>

function earlier(moment: Date, minutes: number): Date {
  return new Date(moment.getTime() - minutes * MINUTE_MS)
}

function without(id: string) {
  return (plan: LeafPlan): LeafPlan => ({ ...plan, extensions: plan.extensions.filter(one => one.id !== id) })
}

function replacing(id: string, extension: Extension) {
  return (plan: LeafPlan): LeafPlan => ({
    ...plan,
    extensions: plan.extensions.map(one => (one.id === id ? extension : one)),
  })
}

function adding(extension: Extension) {
  return (plan: LeafPlan): LeafPlan => ({ ...plan, extensions: [...plan.extensions, extension] })
}

function promised(change: (scts: readonly Uint8Array[]) => readonly Uint8Array[]) {
  return (plan: LeafPlan): LeafPlan => ({ ...plan, scts: entry => change(plan.scts(entry)) })
}

function addNames(plan: LeafPlan): LeafPlan {
  const more = ['https://ci.other.test/second', 'second@other.test']
  return replacing(ID.subjectAltName, subjectAltName(...plan.subjects.concat(more).map(generalName)))(plan)
}

function weaken(plan: LeafPlan): LeafPlan {
  const keys = generateKeyPairSync('rsa', { modulusLength: 1024 })
  return replacing(ID.subjectKey, subjectKey(keys.publicKey))({ ...plan, keys })
}

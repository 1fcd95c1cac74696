/** What can be wrong with a timestamp, or with who stamps. */
import { sign } from 'node:crypto'
import type { Fault } from './fault.ts'
import { flipLastBit } from './key-pair.ts'
import type { Stamper } from './stamper.ts'
import { makeStamper } from './stamper.ts'

/** One more than sigstore-go reads. */
const TOO_MANY = 33

export const TIME_FAULTS = {
  'stamp-missing': { says: 'there is no timestamp, though one was ordered', needs: ['timestamp'], stamps: () => [] },
  'many-stamps': {
    says: 'there are 33 timestamps, each good',
    needs: ['timestamp', 'bundle'],
    stamps: stamp => Array.from({ length: TOO_MANY }, stamp),
  },
  'stamp-other-signature': {
    says: 'the timestamp is over another signature',
    needs: ['timestamp'],
    stamp: plan => ({ ...plan, over: flipLastBit(plan.over) }),
  },
  'stamp-flipped': {
    says: 'a bit of the signature of the timestamp authority is flipped',
    needs: ['timestamp'],
    stamp: plan => ({ ...plan, sign: attributes => flipLastBit(plan.sign(attributes)) }),
  },
  'stamp-status-rejected': {
    says: 'the status is rejection, though there is a token',
    needs: ['timestamp'],
    stamp: plan => ({ ...plan, status: 2 }),
  },
  'stamp-sha1-imprint': {
    says: 'the imprint is SHA-1',
    needs: ['timestamp'],
    stamp: plan => ({ ...plan, imprint: 'sha1' }),
  },
  'stamp-unknown-authority': {
    says: 'stamped by an authority of the same names and other keys',
    needs: ['timestamp'],
    from: { stamper: 'forged' },
  },
  'stamp-authority-ended': {
    says: 'stamped by an authority that the trust root says had ended before',
    needs: ['timestamp'],
    from: { stamper: 'retired' },
  },
  'stamp-outside-authority-validity': {
    says: 'the stamping certificate had ended, though the trust root believes in the authority still',
    needs: ['timestamp'],
    from: { stamper: 'worn' },
  },
  'stamp-no-eku': {
    says: 'the stamping certificate, which comes along, has no extended key usage',
    needs: ['timestamp'],
    stamper: plan => ({ ...plan, purpose: 'none' }),
  },
  'stamp-eku-not-critical': {
    says: 'the extended key usage of the stamping certificate, which comes along, is not critical',
    needs: ['timestamp'],
    stamper: plan => ({ ...plan, purpose: 'not-critical' }),
  },
  'stamp-signed-by-certificate-without-stamping': {
    says: 'signed with a certificate of the same root that is for code; the good one comes along, first (CVE-2026-39984)',
    needs: ['timestamp'],
    stamp: (plan, { root, signer: good, plan: life }) => {
      const { signer } = makeStamper(root, { ...life, purpose: 'codeSigning' })
      const bag = [good.certificate, signer.certificate]
      return { ...plan, signer, bag, sign: attributes => sign('sha256', attributes, signer.keys.privateKey) }
    },
  },
  'stamp-forged-certificate-first': {
    says: 'a certificate of the same name and another key comes along before the good one (CVE-2026-39984)',
    good: true,
    needs: ['timestamp'],
    stamp: (plan, stamper, { forged }) => ({ ...plan, bag: bagOf(forged.stamper, stamper) }),
  },
  'stamp-fraction-1': fraction('.5'),
  'stamp-fraction-2': fraction('.25'),
  'stamp-fraction-3': fraction('.125'),
  'stamp-fraction-6': fraction('.123456'),
} as const satisfies Record<string, Fault>

/** RFC 3161, section 2.4.2, lets an authority be as exact as it likes. */
function fraction(digits: string) {
  return {
    says: `the timestamp has ${digits.length - 1} digits of a second`,
    good: true,
    needs: ['timestamp'],
    stamp: plan => ({ ...plan, fraction: digits }),
  } as const satisfies Fault
}

function bagOf(...stampers: readonly Stamper[]): readonly Uint8Array[] {
  return stampers.map(({ signer }) => signer.certificate)
}

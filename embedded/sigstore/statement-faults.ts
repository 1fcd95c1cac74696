/** What can be wrong with what is signed, and with the envelope around it. */
import type { Signable } from './dsse.ts'
import type { Fault } from './fault.ts'

const COSIGN_SIGNATURE = 'https://sigstore.dev/cosign/sign/v1'
const PROVENANCE = 'https://slsa.dev/provenance/v1'

export const STATEMENT_FAULTS = {
  'wrong-subject': {
    says: 'another image is spoken of',
    needs: [],
    subject: digest => digest.replace(/[0-9a-f]{64}$/, 'e'.repeat(64)),
  },
  'subject-sha512-only': {
    says: 'the subject has a digest of SHA-512 only',
    needs: ['statement'],
    signable: inPayload(text => text.replace(/"sha256":"([0-9a-f]{64})"/, '"sha512":"$1$1"')),
  },
  'predicate-type-annotation-differs': {
    says: 'the annotation names another predicate type than the statement: provenance for a signature, else a signature',
    needs: ['statement'],
    announced: type => (type === COSIGN_SIGNATURE ? PROVENANCE : COSIGN_SIGNATURE),
  },
  'statement-v01': {
    says: 'the statement is of version 0.1',
    good: true,
    needs: ['statement'],
    statementVersion: 'v0.1',
  },
  'statement-unknown-type': {
    says: 'the statement is of a version that there is not',
    needs: ['statement'],
    signable: inPayload(text => text.replace(/Statement\/v[0-9.]+/, 'Statement/v9')),
  },
  'not-a-statement': {
    says: 'what is signed is JSON, but no statement',
    needs: ['statement'],
    signable: inPayload(() => '{"hello":"world"}'),
  },
  'payload-type-json': {
    says: 'the payload type is application/json, and signed so',
    needs: ['statement'],
    signable: draft => ({ ...draft, payloadType: 'application/json' }),
  },
  'payload-type-upper-case': {
    says: 'the payload type is written in capitals, and signed so',
    needs: ['statement'],
    signable: draft => ({ ...draft, payloadType: draft.payloadType.toUpperCase() }),
  },
  'payload-type-changed': {
    says: 'the payload type was changed after it was signed',
    needs: ['statement'],
    envelope: envelope => ({ ...envelope, payloadType: 'application/json' }),
  },
  'envelope-no-signature': {
    says: 'the envelope has no signature',
    needs: ['statement'],
    envelope: envelope => ({ ...envelope, signatures: [] }),
  },
  'envelope-two-signatures': {
    says: 'the good signature stands twice in the envelope',
    needs: ['statement'],
    envelope: envelope => ({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
  },
} as const satisfies Record<string, Fault>

function inPayload(change: (payload: string) => string) {
  return (draft: Signable): Signable => ({ ...draft, payload: change(draft.payload) })
}

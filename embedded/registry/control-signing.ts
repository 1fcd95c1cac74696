/** The side door of whoever signs: makes Sigstores, and signs images with them or with bare keys. */
import { z } from 'zod'
import { HASH_ALGORITHMS } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { parseDigest } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { BUNDLE_VERSIONS } from '../sigstore/bundle.ts'
import { ENTRY_KINDS } from '../sigstore/entry-body.ts'
import type { Claim } from '../sigstore/extensions.ts'
import { CLAIMS } from '../sigstore/extensions.ts'
import { FAULT_NAMES, FAULTS } from '../sigstore/faults.ts'
import { CURVES } from '../sigstore/key-pair.ts'
import type { Identity } from '../sigstore/leaf.ts'
import { LOGS } from '../sigstore/sign.ts'
import type { Sigstore } from '../sigstore/sigstore.ts'
import { makeSigstore } from '../sigstore/sigstore.ts'
import { STATEMENT_VERSIONS } from '../sigstore/statement.ts'
import { encodeTrustedRoot } from '../sigstore/trusted-root.ts'
import type { Registry } from './registry.ts'
import { SIGNATURE_LAYOUTS, signImage } from './sign-image.ts'

/** One thing that the control door can do. */
export type Deed = (registry: Registry, body: unknown, host: string) => unknown

const digest = z.string().transform((text): Digest => parseDigest(text))
const moment = z.iso.datetime().transform(text => new Date(text))
const fault = z.enum(FAULT_NAMES)
/** Above every limit that anybody has. */
const MOST_PREDICATE_BYTES = 64 * 1024 * 1024

const trustedRootShape = z.strictObject({
  eras: z.array(z.enum(['current', 'retired', 'future', 'worn'])).optional(),
  ends: z
    .strictObject({ authority: moment, ctLog: moment, rekor1: moment, rekor2: moment, stamper: moment })
    .partial()
    .optional(),
})
const sigstoreShape = trustedRootShape.extend({
  name: z.string().regex(/^[a-z0-9-]+$/),
  curve: z.enum(CURVES).optional(),
  startsAt: moment.optional(),
  fault: fault.optional(),
})
const viewShape = trustedRootShape.extend({ sigstore: z.string() })

const keylessShape = z
  .strictObject({
    sigstore: z.string(),
    subject: z.string().optional(),
    subjects: z.array(z.string()).optional(),
    issuer: z.string(),
    claims: z.partialRecord(z.enum(Object.keys(CLAIMS) as Claim[]), z.string()).optional(),
  })
  .refine(({ subject, subjects }) => (subject === undefined) !== (subjects === undefined), 'subject or subjects')

const signatureShape = z
  .strictObject({
    repository: z.string(),
    digest,
    key: z.string().optional(),
    keyless: keylessShape.optional(),
    sigstore: z.string().optional(),
    layout: z.enum(SIGNATURE_LAYOUTS),
    bundleVersion: z.enum(BUNDLE_VERSIONS).optional(),
    log: z.enum(LOGS).default('none'),
    timestamp: z.boolean().default(false),
    entryKind: z.enum(ENTRY_KINDS).optional(),
    stampCertificates: z.boolean().optional(),
    signedAt: moment.optional(),
    loggedAt: moment.optional(),
    hash: z.enum(HASH_ALGORITHMS).optional(),
    padding: z.enum(['pkcs1', 'pss']).optional(),
    prehash: z.boolean().optional(),
    signedDigest: digest.optional(),
    predicateType: z.string().optional(),
    predicate: z.record(z.string(), z.unknown()).optional(),
    predicateBytes: z.int().nonnegative().max(MOST_PREDICATE_BYTES).optional(),
    statementVersion: z.enum(STATEMENT_VERSIONS).optional(),
    tamper: z.string().optional(),
    fault: fault.optional(),
  })
  .refine(({ key, keyless }) => (key === undefined) !== (keyless === undefined), 'key or keyless')

type SignatureOrder = z.infer<typeof signatureShape>

export const SIGNING_DEEDS: Readonly<Record<string, Deed>> = {
  'POST /_control/sigstores': ({ sigstores }, body) => {
    const { eras, ends, ...order } = sigstoreShape.parse(body)
    const sigstore = makeSigstore({ ...order, clock: () => new Date() })
    sigstores.set(order.name, sigstore)
    return encodeTrustedRoot(sigstore.eras, { eras, ends })
  },
  'POST /_control/trusted-roots': ({ sigstores }, body) => {
    const { sigstore, ...order } = viewShape.parse(body)
    return encodeTrustedRoot(find(sigstores, sigstore).eras, order)
  },
  'POST /_control/signatures': (registry, body, host) => sign(registry, signatureShape.parse(body), host),
  'GET /_control/signature-faults': () =>
    Object.entries(FAULTS).map(([name, { says, good = false, needs }]) => ({ name, says, good, needs })),
}

function sign({ store, keys, sigstores }: Registry, ordered: SignatureOrder, host: string) {
  const { repository, key, keyless, sigstore: named = keyless?.sigstore, predicateBytes, ...order } = ordered
  const sigstore = named === undefined ? undefined : find(sigstores, named)
  if (sigstore === undefined && (order.log !== 'none' || order.timestamp)) {
    throw new InputError('expected a sigstore to log or stamp with')
  }
  return signImage(store.open(repository), keys, {
    ...order,
    predicate:
      predicateBytes === undefined ? order.predicate : { ...order.predicate, filler: 'x'.repeat(predicateBytes) },
    signer: keyless === undefined ? (key ?? '') : identityOf(keyless),
    sigstore,
    dockerReference: `${host}/${repository}`,
  })
}

function identityOf({ subject, subjects = [], issuer, claims }: z.infer<typeof keylessShape>): Identity {
  return { subjects: subject === undefined ? subjects : [subject], issuer, claims }
}

function find(sigstores: ReadonlyMap<string, Sigstore>, name: string): Sigstore {
  const found = sigstores.get(name)
  if (found === undefined) throw new InputError(`no sigstore ${JSON.stringify(name)}; make it first`)
  return found
}

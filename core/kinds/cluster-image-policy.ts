/** ClusterImagePolicy of policy.sigstore.dev: the fields it may have and their types, for both versions, which differ in nothing. */
import { z } from 'zod'

/**
 * Fields that the kind has and Shedu cannot honour yet. They are part of the shape, so that they are told apart from
 * misspelt ones, and whoever compiles the policy must refuse them: each would change which images are admitted.
 */
export const NOT_SUPPORTED_YET = {
  spec: ['match', 'policy'],
  authority: ['source'],
  key: ['kms', 'secretRef'],
  keyless: ['ca-cert'],
  attestation: ['policy'],
} as const

/** The kind as the API server names it. v1alpha1 is what it stores: read in that version, nothing is converted on the way. */
export const CLUSTER_IMAGE_POLICY = {
  group: 'policy.sigstore.dev',
  kind: 'ClusterImagePolicy',
  plural: 'clusterimagepolicies',
  stored: 'v1alpha1',
  alsoServed: ['v1beta1'],
} as const

/** Far more than anybody writes by hand, and all of it together still what the API server stores: an object of 1.5 MiB. */
const IMAGES = 1024
const AUTHORITIES = 64
const IDENTITIES = 64
/** Each is looked for on its own, and there are not twice as many predicate types that anybody has agreed on. */
const ATTESTATIONS = 16

/** An RSA key of 16384 bits has 3 KB in PEM. */
const KEY_CHARACTERS = 16 * 1024
const TEXT_CHARACTERS = 1024
const NAME_CHARACTERS = 253

const image = z.strictObject({
  // Its length is the glob's own rule; the API server is told it as well.
  glob: z.string().min(1).meta({ maxLength: 1024 }),
})

const key = z.strictObject({
  data: z.string().max(KEY_CHARACTERS).optional(),
  hashAlgorithm: z.string().max(NAME_CHARACTERS).optional(),
  ...byNameOnly(NOT_SUPPORTED_YET.key),
})

const staticAction = z.strictObject({
  action: z.enum(['pass', 'fail']),
  message: z.string().max(TEXT_CHARACTERS).optional(),
})

// Its length is its own rule too.
const expression = z.string().meta({ maxLength: 1024 })

const identity = z.strictObject({
  issuer: z.string().max(TEXT_CHARACTERS).optional(),
  issuerRegExp: expression.optional(),
  subject: z.string().max(TEXT_CHARACTERS).optional(),
  subjectRegExp: expression.optional(),
})

const keyless = z.strictObject({
  url: z.string().max(TEXT_CHARACTERS).optional(),
  identities: z.array(identity).min(1).max(IDENTITIES),
  trustRootRef: z.string().max(NAME_CHARACTERS).optional(),
  insecureIgnoreSCT: z.boolean().optional(),
  ...byNameOnly(NOT_SUPPORTED_YET.keyless),
})

const transparencyLog = z.strictObject({
  url: z.string().max(TEXT_CHARACTERS).optional(),
  trustRootRef: z.string().max(NAME_CHARACTERS).optional(),
})

const timestamp = z.strictObject({
  trustRootRef: z.string().max(NAME_CHARACTERS).optional(),
})

const attestation = z.strictObject({
  name: z.string().min(1).max(NAME_CHARACTERS),
  predicateType: z.string().min(1).max(TEXT_CHARACTERS),
  ...byNameOnly(NOT_SUPPORTED_YET.attestation),
})

const authority = z.strictObject({
  name: z.string().max(NAME_CHARACTERS).optional(),
  key: key.optional(),
  keyless: keyless.optional(),
  static: staticAction.optional(),
  ctlog: transparencyLog.optional(),
  rfc3161timestamp: timestamp.optional(),
  signatureFormat: z.enum(['', 'legacy', 'bundle']).optional(),
  attestations: z.array(attestation).max(ATTESTATIONS).optional(),
  ...byNameOnly(NOT_SUPPORTED_YET.authority),
})

/** The shape of the kind. Strict, so that a misspelt field is a fault, but for what the API server itself writes. */
export const clusterImagePolicy = z.strictObject({
  apiVersion: z.enum(['policy.sigstore.dev/v1alpha1', 'policy.sigstore.dev/v1beta1']),
  kind: z.literal('ClusterImagePolicy'),
  metadata: z.looseObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    images: z.array(image).min(1).max(IMAGES),
    authorities: z.array(authority).min(1).max(AUTHORITIES),
    mode: z.enum(['', 'enforce', 'warn']).optional(),
    ...byNameOnly(NOT_SUPPORTED_YET.spec),
  }),
  status: z.unknown().optional(),
})

export type ClusterImagePolicy = z.infer<typeof clusterImagePolicy>

const condition = z.looseObject({
  type: z.string().max(NAME_CHARACTERS),
  status: z.string().max(NAME_CHARACTERS).optional(),
  reason: z.string().max(TEXT_CHARACTERS).optional(),
  message: z
    .string()
    .max(32 * 1024)
    .optional(),
  observedGeneration: z.number().int().optional(),
  lastTransitionTime: z.string().max(NAME_CHARACTERS).optional(),
})

/** What controllers say about a policy. Loose, for others may say something too; nothing that is judged rests on it. */
export const clusterImagePolicyStatus = z.looseObject({
  observedGeneration: z.number().int().optional(),
  // A map by type: then each controller owns its own conditions, and applying one leaves the others alone.
  conditions: z
    .array(condition)
    .max(AUTHORITIES)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
    .optional(),
})

function byNameOnly<Name extends string>(names: readonly Name[]): Record<Name, z.ZodOptional<z.ZodUnknown>> {
  const fields = names.map(name => [name, z.unknown().optional()])
  return Object.fromEntries(fields) as Record<Name, z.ZodOptional<z.ZodUnknown>>
}

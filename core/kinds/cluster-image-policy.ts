/** ClusterImagePolicy of policy.sigstore.dev: the fields it may have and their types, for both versions, which differ in nothing. */
import { z } from 'zod'

/**
 * Fields that the kind has and Shedu cannot honour yet. They are part of the shape, so that they are told apart from
 * misspelt ones, and whoever compiles the policy must refuse them: each would change which images are admitted.
 */
export const NOT_SUPPORTED_YET = {
  spec: ['match', 'policy'],
  authority: ['attestations', 'ctlog', 'keyless', 'rfc3161timestamp', 'signatureFormat', 'source'],
  key: ['kms', 'secretRef'],
} as const

const image = z.strictObject({
  glob: z.string().min(1),
})

const key = z.strictObject({
  data: z.string().optional(),
  hashAlgorithm: z.string().optional(),
  ...byNameOnly(NOT_SUPPORTED_YET.key),
})

const staticAction = z.strictObject({
  action: z.enum(['pass', 'fail']),
  message: z.string().optional(),
})

const authority = z.strictObject({
  name: z.string().optional(),
  key: key.optional(),
  static: staticAction.optional(),
  ...byNameOnly(NOT_SUPPORTED_YET.authority),
})

/** The shape of the kind. Strict, so that a misspelt field is a fault, but for what the API server itself writes. */
export const clusterImagePolicy = z.strictObject({
  apiVersion: z.enum(['policy.sigstore.dev/v1alpha1', 'policy.sigstore.dev/v1beta1']),
  kind: z.literal('ClusterImagePolicy'),
  metadata: z.looseObject({ name: z.string().min(1) }),
  spec: z.strictObject({
    images: z.array(image).min(1),
    authorities: z.array(authority).min(1),
    mode: z.enum(['', 'enforce', 'warn']).optional(),
    ...byNameOnly(NOT_SUPPORTED_YET.spec),
  }),
  status: z.unknown().optional(),
})

export type ClusterImagePolicy = z.infer<typeof clusterImagePolicy>

function byNameOnly<Name extends string>(names: readonly Name[]): Record<Name, z.ZodOptional<z.ZodUnknown>> {
  const fields = names.map(name => [name, z.unknown().optional()])
  return Object.fromEntries(fields) as Record<Name, z.ZodOptional<z.ZodUnknown>>
}

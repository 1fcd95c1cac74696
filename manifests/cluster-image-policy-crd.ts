/** The CustomResourceDefinition of ClusterImagePolicy, made of the schema that our own validation uses. */
import { z } from 'zod'
import { CLUSTER_IMAGE_POLICY, clusterImagePolicy, clusterImagePolicyStatus } from '#core/kinds/cluster-image-policy.ts'
import { type Schema, toStructural } from './structural-schema.ts'

/** What `kubectl get clusterimagepolicies` shows. */
const COLUMNS = [
  { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
]

/** Makes the definition. Both versions are equal, so nothing needs to be converted between them. */
export function makeClusterImagePolicyCrd(): object {
  const { group, kind, plural, stored, alsoServed } = CLUSTER_IMAGE_POLICY
  const openAPIV3Schema = makeSchema()
  const version = (name: string) => ({
    name,
    served: true,
    storage: name === stored,
    subresources: { status: {} },
    additionalPrinterColumns: COLUMNS,
    schema: { openAPIV3Schema },
  })
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ['cip'] },
      conversion: { strategy: 'None' },
      versions: [stored, ...alsoServed].map(version),
    },
  }
}

function makeSchema(): Schema {
  const { properties } = z.toJSONSchema(clusterImagePolicy, { target: 'openapi-3.0', io: 'input' })
  const status = z.toJSONSchema(clusterImagePolicyStatus, { target: 'openapi-3.0', io: 'input' })
  return {
    type: 'object',
    description: 'Which images must be signed by whom before they may run in the cluster.',
    required: ['spec'],
    properties: {
      // Of these three the API server knows more than we do, and takes no rule but the type.
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: toStructural(properties?.['spec'] as Schema),
      status: toStructural(status),
    },
  }
}

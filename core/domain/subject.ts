/** What is asked of the gate, free of any wire form: the webhook decodes one from a review, the command line makes one from a file. */

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

/** A Kubernetes object as JSON. Loose on purpose: nothing is dropped, nothing beyond JSON's own shape is known. */
export type KubeObject = { readonly [field: string]: unknown }

export type Subject = {
  readonly operation: Operation
  /** API group, empty for the core group. */
  readonly group: string
  readonly kind: string
  /** Empty for the object itself; `ephemeralcontainers`, `status`, … otherwise. */
  readonly subresource: string
  /** Empty for cluster-scoped objects. */
  readonly namespace: string
  /** Empty while the API server has yet to generate it. */
  readonly name: string
  readonly object: KubeObject | undefined
  readonly oldObject: KubeObject | undefined
  readonly user: string
  readonly isDryRun: boolean
}

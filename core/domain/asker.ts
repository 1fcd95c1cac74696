/** For whom a registry is asked: the workload's own place in the cluster, by which its node would pull the images, too. */

export type Asker = {
  /** Of the request, never of the object; empty where there is none. */
  readonly namespace: string
  readonly serviceAccount: string
  /** Names of the Secrets that the PodSpec lists, in its order, each once. */
  readonly pullSecrets: readonly string[]
}

/** The cluster that `--context` names: where its policies are, and which namespace is meant there. */
import { type ClusterPolicies, openClusterPolicies } from '#assembly/cluster-policies.ts'
import type { Environment } from '#core/runtime/settings.ts'
import { kubeconfigFiles } from './kubeconfig-files.ts'

export type ContextOptions = {
  /** Undefined where all policies come from files. */
  readonly context: string | undefined
  readonly kubeconfigFile: string | undefined
}

type Opening = ContextOptions & { readonly environment?: Environment | undefined; readonly timeoutMs: number }

/** Opens it, if one is named; nothing is sent yet. Throws an InputError for a kubeconfig or a context that cannot be used. */
export async function openContext(options: Opening): Promise<ClusterPolicies | undefined> {
  const { context, kubeconfigFile, environment = {}, timeoutMs } = options
  if (context === undefined) return undefined
  return openClusterPolicies({ files: kubeconfigFiles(kubeconfigFile, environment), context, timeoutMs })
}

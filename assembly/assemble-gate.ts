/** Builds a working gate out of settings: the only place that knows how. No decision lives here. */
import { followTrustRoots, type TrustRootFollower, type TrustRootListener } from '#certs/trusted/follow-trust-roots.ts'
import { MemoryCache } from '#core/cache/memory.ts'
import type { Asker } from '#core/domain/asker.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { TrustRoots } from '#core/domain/trust-root.ts'
import { type Explain, makeExplainer } from '#core/gate/explain.ts'
import type { Gate } from '#core/gate/gate.ts'
import { makeProver } from '#core/gate/prove.ts'
import { makeSeats } from '#core/gate/seats.ts'
import { makeVerifier } from '#core/gate/verifier.ts'
import type { KeptAnswers, KeptAnswersSettings } from '#core/registry/answers/kept-answers.ts'
import { openKeptAnswers } from '#core/registry/answers/kept-answers.ts'
import { makeRegistryClient } from '#core/registry/client.ts'
import type { ProxyFor } from '#core/registry/proxy.ts'
import type { Registries } from '#core/registry/registries.ts'
import { reachesOf } from '#core/registry/registries.ts'
import { type Sight, UNSEEN } from '#core/runtime/sight.ts'
import { checkTrustRoot } from '#core/verify/sigstore/check-trust-root.ts'
import { judge } from '#policies/judge.ts'
import type { LoadedPolicies } from '#policies/load-policies.ts'
import type { Policy } from '#policies/policy.ts'
import { demandsOf } from '#policies/select.ts'
import { suffices } from '#policies/suffices.ts'
import type { AddPolicies } from './cluster-policies.ts'
import { type CredentialSettings, openCredentials } from './open-credentials.ts'
import { readPolicies } from './policy-files.ts'
import type { PullSecrets } from './pull-secrets.ts'
import { readRegistries } from './read-registries.ts'

export type GateSettings = CredentialSettings & {
  /** Folder of policies, YAML or JSON; undefined when none come from files. */
  readonly policiesDir: string | undefined
  /** Adds the policies that a cluster has now to those of files; without it, those of files are all. */
  readonly addPolicies?: AddPolicies | undefined
  /** File that says how registries are reached; without it all are, over https and anonymously. */
  readonly registriesFile: string | undefined
  /** Folder of trust roots, followed while the gate stands; without it, nothing that rests on one can be proven. */
  readonly trustRootsDir?: string | undefined
  /** By which proxies registries are reached; straight, if left out. */
  readonly proxyFor?: ProxyFor
  /** What becomes of an image that no policy matches. */
  readonly noMatch: 'deny' | 'warn' | 'allow'
  /** Upper bound of the memory tier. */
  readonly cacheBytes: number
  /** Whether registries are asked with the pull secrets of each workload; if not, all are with what is configured. */
  readonly pullSecrets?: 'off' | 'workload'
  /** Folder of registries' answers; without it, none are kept. */
  readonly answers?: KeptAnswersSettings | undefined
  /** File that says how the cluster of the pull secrets is reached; without it, it is the one we run in. */
  readonly kubeconfig?: string | undefined
}

export type AssembledGate = {
  readonly gate: Gate
  /** The same gate over other policies; what is remembered about images stays. */
  readonly over: (policies: readonly Policy[]) => Gate
  readonly policies: readonly Policy[]
  /** Shows what the gate would look at, through the same client and the same verifier. */
  readonly explain: Explain
  /** Those in force now. */
  readonly trustRoots: () => TrustRoots
  /** The folder of answers, where there is one. */
  readonly answers?: Omit<KeptAnswers, 'source'> | undefined
  /** How many artefacts wait to be verified. */
  readonly verifierQueue: () => number
  /** What is odd about the policies and the credentials, for the log or the terminal. */
  readonly warnings: readonly string[]
  readonly close: () => Promise<void>
}

/**
 * Loads policies and registries and wires the pipeline. Throws an InputError that says what is wrong with which file; a
 * folder without a policy is one, because a gate without policies would answer everything by its no-match setting.
 */
export async function assembleGate(
  settings: GateSettings,
  listener: TrustRootListener = UNHEARD,
  sight: Sight = UNSEEN,
): Promise<AssembledGate> {
  const { policies, warnings } = await loadPolicies(settings)
  const registries = readRegistries(settings.registriesFile)
  const credentials = openCredentials(settings, registries)
  const answers = settings.answers === undefined ? undefined : await openKeptAnswers(settings.answers)
  // Who is not spoken to is shown no credential, and none is fetched for it.
  const sources = settings.answers?.isOffline === true ? [] : credentials.sources
  const trust = await openTrust(settings.trustRootsDir, listener)
  const secrets = await openSecrets(settings, registries)
  const registry = makeRegistryClient(registries, {}, sources, {
    observe: sight.request,
    ...(answers === undefined ? {} : { answers: answers.source }),
    ...(settings.proxyFor === undefined ? {} : { proxyFor: settings.proxyFor }),
  })
  const viewFor = async (asker: Asker, signal: AbortSignal) => registry.viewOf(await secrets?.keychainOf(asker, signal))
  const now = () => new Date()
  const verifier = makeVerifier({ now, sight })
  const seats = makeSeats()
  const cache = new MemoryCache({ maxBytes: settings.cacheBytes })
  const prover = makeProver({ viewFor, verify: verifier.verify, cache, trust: trust.inForce, now, seats, sight })
  const over = (policies: readonly Policy[]): Gate => ({
    demandsOf: image => demandsOf(policies, image),
    resolve: (image, asker, signal) =>
      sight.step('resolve', () =>
        seats(asker.namespace, async () => (await viewFor(asker, signal)).resolve(image, signal), signal),
      ),
    prove: prover((image, proofs) => suffices(policies, image, proofs)),
    judge: (workload, facts) => judge(policies, { noMatch: settings.noMatch }, workload, facts),
    sight,
  })
  const close = async () => {
    await trust.close()
    await registry.close()
    await secrets?.close()
    await verifier.close()
  }
  const explain = makeExplainer({ viewFor, verify: verifier.verify, trust: trust.inForce })
  return {
    gate: over(policies),
    over,
    policies,
    explain,
    trustRoots: trust.inForce,
    answers,
    verifierQueue: verifier.queued,
    warnings: [...warnings, ...credentials.warnings],
    close,
  }
}

async function loadPolicies({ policiesDir, addPolicies }: GateSettings): Promise<LoadedPolicies> {
  const files = readPolicies(policiesDir)
  if (addPolicies === undefined) return files
  const { policies, warnings } = await addPolicies(files.policies)
  return { policies, warnings: [...files.warnings, ...warnings] }
}

const UNHEARD: TrustRootListener = { onTrustRoots: () => {}, report: () => {} }

async function openTrust(folder: string | undefined, listener: TrustRootListener): Promise<TrustRootFollower> {
  if (folder !== undefined) return followTrustRoots(folder, listener, { check: checkTrustRoot })
  const none = new Map()
  return { inForce: () => none, close: async () => {} }
}

/** Loaded only where it is used: the Kubernetes client weighs more than all the rest, and `shedu check` does without. */
async function openSecrets(
  { pullSecrets = 'off', kubeconfig, registriesFile }: GateSettings,
  registries: Registries,
): Promise<PullSecrets | undefined> {
  if (pullSecrets === 'off') return undefined
  for (const { name, credential, isForAllNamespaces } of reachesOf(registries)) {
    if (credential.kind !== 'anonymous' && !isForAllNamespaces)
      throw new InputError(
        `${registriesFile}: ${name} has a credential: with pull secrets of the workloads, expected forAllNamespaces: true beside it (every namespace may see what it sees), or no credential`,
      )
  }
  const { openPullSecrets } = await import('./pull-secrets.ts')
  return openPullSecrets(kubeconfig)
}

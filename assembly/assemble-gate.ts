/** Builds a working gate out of settings: the only place that knows how. No decision lives here. */
import { readFileSync } from 'node:fs'
import { MemoryCache } from '#core/cache/memory.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Gate } from '#core/gate/gate.ts'
import { makeProver } from '#core/gate/prove.ts'
import { makeRegistryClient } from '#core/registry/client.ts'
import type { Registries } from '#core/registry/registries.ts'
import { parseRegistries } from '#core/registry/registries.ts'
import { verifySignature } from '#core/verify/sigstore/verify-signature.ts'
import { judge } from '#policies/judge.ts'
import { parsePolicies } from '#policies/load-policies.ts'
import type { Policy } from '#policies/policy.ts'
import { demandsOf } from '#policies/select.ts'
import { readDocuments, readDocumentsOf } from './read-documents.ts'

export type GateSettings = {
  /** Folder of policies, YAML or JSON. */
  readonly policiesDir: string
  /** File that says how registries are reached; without it all are, over https and anonymously. */
  readonly registriesFile: string | undefined
  /** What becomes of an image that no policy matches. */
  readonly noMatch: 'deny' | 'warn' | 'allow'
  /** Upper bound of the memory tier. */
  readonly cacheBytes: number
}

export type AssembledGate = {
  readonly gate: Gate
  readonly policies: readonly Policy[]
  /** What is odd about the policies, for the log or the terminal. */
  readonly warnings: readonly string[]
  readonly close: () => Promise<void>
}

/**
 * Loads policies and registries and wires the pipeline. Throws an InputError that says what is wrong with which file; a
 * folder without a policy is one, because a gate without policies would answer everything by its no-match setting.
 */
export async function assembleGate(settings: GateSettings): Promise<AssembledGate> {
  const { documents, ignored } = readDocuments(settings.policiesDir)
  const { policies, warnings } = parsePolicies(documents)
  if (policies.length === 0) throw new InputError(`there is no policy in ${settings.policiesDir}`)
  const registry = makeRegistryClient(readRegistries(settings.registriesFile))
  const prove = makeProver({
    discover: registry.discover,
    scopeOf: registry.scopeOf,
    verify: verifySignature,
    cache: new MemoryCache({ maxBytes: settings.cacheBytes }),
  })
  const gate: Gate = {
    demandsOf: image => demandsOf(policies, image),
    resolve: registry.resolve,
    prove,
    judge: (workload, facts) => judge(policies, { noMatch: settings.noMatch }, workload, facts),
  }
  const passedOver = ignored.map(file => `${file} is not read: its name ends in none of .yaml, .yml and .json`)
  return { gate, policies, warnings: [...warnings, ...passedOver], close: registry.close }
}

function readRegistries(file: string | undefined): Registries {
  const read = (path: string) => readFileSync(path, 'utf8')
  if (file === undefined) return parseRegistries({ registries: [] }, read)
  const [document, ...more] = readDocumentsOf(file)
  if (document === undefined || more.length > 0)
    throw new InputError(`expected one document in ${file}, got ${document === undefined ? 0 : more.length + 1}`)
  try {
    return parseRegistries(document.value, read)
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
}

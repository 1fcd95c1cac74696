/** Builds the credentials of the operator out of what is configured: Docker's file, a kubelet's providers, clouds. */
import { accessSync, constants, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeAwsLogin } from '#core/credentials/cloud/aws.ts'
import { makeAzureLogin } from '#core/credentials/cloud/azure.ts'
import { type CloudLogin, makeCloudSource } from '#core/credentials/cloud/cloud-source.ts'
import { makeGoogleLogin } from '#core/credentials/cloud/google.ts'
import { makeDockerSource } from '#core/credentials/docker-source.ts'
import { type CredentialProvider, parseProviderConfig } from '#core/credentials/provider-config.ts'
import { makeProviderSource } from '#core/credentials/provider-source.ts'
import { makeRunProgram } from '#core/credentials/run-program.ts'
import { InputError } from '#core/domain/input-error.ts'
import { type OperatorDockerConfig, parseOperatorDockerConfig } from '#core/registry/docker-config.ts'
import type { CredentialSource } from '#core/registry/offer.ts'
import type { Cloud, Registries } from '#core/registry/registries.ts'
import type { Environment } from '#core/runtime/settings.ts'
import { readDocumentsOf } from './read-documents.ts'

export type CredentialSettings = {
  /** Docker's configuration file. */
  readonly dockerConfigFile?: string | undefined
  /** The same, where it is only looked for: nobody has said that it is there, and what is wrong with it is a warning. */
  readonly dockerConfigDefault?: string | undefined
  /** A kubelet's CredentialProviderConfig, and the folder of its programs. */
  readonly credentialProvidersFile?: string | undefined
  readonly credentialProvidersDir?: string | undefined
  /** Of this process; programs that hand out credentials see a part of it. */
  readonly environment?: Environment | undefined
  readonly pullSecrets?: 'off' | 'workload' | undefined
}

type Opened = { readonly sources: readonly CredentialSource[]; readonly warnings: readonly string[] }

/** Milliseconds since 1970; tokens say by it when they end. */
const today = () => Date.now()
const nowMs = () => performance.now()

const CLOUD_LOGINS: Readonly<Record<Cloud, () => CloudLogin>> = {
  aws: () => makeAwsLogin(),
  google: () => makeGoogleLogin(),
  azure: () => makeAzureLogin({ today }),
}

/** Reads what is configured; nobody is asked for a credential yet. Throws an InputError that names the file. */
export function openCredentials(settings: CredentialSettings, registries: Registries): Opened {
  const { environment = {} } = settings
  const run = makeRunProgram()
  const docker = readDockerConfig(settings)
  const providers = readProviders(settings)
  const { clouds } = registries.common
  if (settings.pullSecrets === 'workload') refuseUnused(docker.config, providers, registries)
  const folder = resolve(settings.credentialProvidersDir ?? '.')
  const sources = [
    ...(docker.config === undefined ? [] : [makeDockerSource(docker.config, { run, environment, nowMs })]),
    ...(providers.length === 0 ? [] : [makeProviderSource(providers, { folder, run, environment, nowMs })]),
    ...clouds.map(cloud => makeCloudSource(CLOUD_LOGINS[cloud](), { nowMs, today })),
  ]
  return { sources, warnings: docker.warnings }
}

type Docker = { readonly config: OperatorDockerConfig | undefined; readonly warnings: readonly string[] }

function readDockerConfig({ dockerConfigFile, dockerConfigDefault }: CredentialSettings): Docker {
  const file = dockerConfigFile ?? dockerConfigDefault
  if (file === undefined) return { config: undefined, warnings: [] }
  try {
    const config = within(file, parseOperatorDockerConfig)
    return { config, warnings: config.faults.map(fault => `${file}: ${fault}`) }
  } catch (error) {
    if (!(error instanceof InputError) || dockerConfigFile !== undefined) throw error
    const isThere = (error.cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT'
    return { config: undefined, warnings: isThere ? [error.message] : [] }
  }
}

function within<T>(file: string, parse: (bytes: Uint8Array) => T): T {
  const bytes = readFile(file)
  try {
    return parse(bytes)
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`)
    throw error
  }
}

function readFile(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new InputError(`${file} cannot be read`, { cause: error })
  }
}

function readProviders({ credentialProvidersFile, credentialProvidersDir }: CredentialSettings) {
  if (credentialProvidersFile === undefined && credentialProvidersDir === undefined) return []
  if (credentialProvidersFile === undefined || credentialProvidersDir === undefined)
    throw new InputError('expected a configuration of credential providers and the folder of their programs, got one')
  return readProvidersFrom(credentialProvidersFile, resolve(credentialProvidersDir))
}

function readProvidersFrom(file: string, folder: string): readonly CredentialProvider[] {
  const [document, ...more] = readDocumentsOf(file)
  if (document === undefined || more.length > 0)
    throw new InputError(`expected one document in ${file}, got ${document === undefined ? 0 : more.length + 1}`)
  try {
    const providers = parseProviderConfig(document.value)
    for (const { name } of providers) checkProgram(join(folder, name))
    return providers
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`, { cause: error })
    throw error
  }
}

/** Missing, it would be missed only once somebody needs it. */
function checkProgram(path: string): void {
  try {
    accessSync(path, constants.X_OK)
  } catch (error) {
    throw new InputError(`expected a program at ${path}`, { cause: error })
  }
}

/**
 * With pull secrets of the workloads, a credential is for a workload only where the list of registries says that it is for
 * all namespaces (ADR 9). One that would be left unused in silence ends the program instead.
 */
function refuseUnused(
  docker: OperatorDockerConfig | undefined,
  providers: readonly CredentialProvider[],
  registries: Registries,
): void {
  const remedy =
    'list the registry with forAllNamespaces: true in the registries file (every namespace may see what it sees)'
  const unused = hostsOf(docker).find(host => registries.get(host)?.isForAllNamespaces !== true)
  if (unused !== undefined)
    throw new InputError(
      `the docker configuration has a credential for ${unused}: with pull secrets of the workloads, ${remedy}, or leave it out`,
    )
  const isAny = docker?.store !== undefined || providers.length > 0 || registries.common.clouds.length > 0
  if (isAny && ![...registries.values()].some(registry => registry.isForAllNamespaces))
    throw new InputError(
      `a credential store, credential providers or cloud credentials are configured: with pull secrets of the workloads, they are used for no registry; ${remedy}`,
    )
}

function hostsOf(docker: OperatorDockerConfig | undefined): readonly string[] {
  if (docker === undefined) return []
  return [...docker.logins.map(({ registry }) => registry), ...docker.helpers.keys()]
}

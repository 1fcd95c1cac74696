/** The settings of the reconcilers. What each is for stands in config.md, which a test compares with this file. */
import { InputError } from '#core/domain/input-error.ts'
import { LOG_LEVELS } from '#core/runtime/log.ts'
import { parseAddress, parseOneOf, parsePath, parsePort } from '#core/runtime/setting-values.ts'
import { type Environment, optional, readSettings, setting } from '#core/runtime/settings.ts'

export const SETTINGS = {
  host: setting('SHEDU_HOST', parseAddress, '127.0.0.1'),
  opsPort: setting('SHEDU_OPS_PORT', parsePort, '8081'),
  kubeconfig: optional('SHEDU_KUBECONFIG', parsePath),
  leaseNamespace: setting('SHEDU_LEASE_NAMESPACE', parseNamespace, 'shedu-system'),
  policiesDir: optional('SHEDU_POLICIES_DIR', parsePath),
  logLevel: setting('SHEDU_LOG_LEVEL', parseOneOf(...LOG_LEVELS), 'info'),
} as const

export type Config = ReturnType<typeof readConfig>

/** The name of a namespace: a label of RFC 1123. */
function parseNamespace(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new InputError(`expected the name of a namespace, got ${JSON.stringify(text)}`)
}

/** Reads and checks all settings. Throws an InputError for the first that cannot be used. */
export function readConfig(environment: Environment) {
  return readSettings(environment, SETTINGS)
}

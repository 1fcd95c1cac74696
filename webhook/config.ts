/** The settings of the webhook program. What each is for stands in config.md, which a test compares with this file. */
import { InputError } from '#core/domain/input-error.ts'
import { LOG_LEVELS } from '#core/runtime/log.ts'
import {
  parseAddress,
  parseBytes,
  parseDays,
  parseHosts,
  parseMs,
  parseOneOf,
  parsePath,
  parsePercent,
  parsePort,
  parseUrl,
} from '#core/runtime/setting-values.ts'
import { type Environment, optional, readSettings, setting } from '#core/runtime/settings.ts'

export const SETTINGS = {
  host: setting('SHEDU_HOST', parseAddress, '127.0.0.1'),
  port: setting('SHEDU_PORT', parsePort, '8443'),
  opsPort: setting('SHEDU_OPS_PORT', parsePort, '8080'),
  policiesFrom: setting('SHEDU_POLICIES_FROM', parseOneOf('files', 'cluster', 'both'), 'files'),
  policiesDir: setting('SHEDU_POLICIES_DIR', parsePath, '/etc/shedu/policies'),
  kubeconfig: optional('SHEDU_KUBECONFIG', parsePath),
  trustRootsDir: optional('SHEDU_TRUST_ROOTS_DIR', parsePath),
  registriesFile: optional('SHEDU_REGISTRIES_FILE', parsePath),
  dockerConfigFile: optional('SHEDU_DOCKER_CONFIG', parsePath),
  credentialProvidersFile: optional('SHEDU_CREDENTIAL_PROVIDERS_CONFIG', parsePath),
  credentialProvidersDir: optional('SHEDU_CREDENTIAL_PROVIDERS_DIR', parsePath),
  pullSecrets: setting('SHEDU_PULL_SECRETS', parseOneOf('off', 'workload'), 'off'),
  noMatch: setting('SHEDU_NO_MATCH', parseOneOf('deny', 'warn', 'allow'), 'deny'),
  pinScope: setting('SHEDU_PIN', parseOneOf('matched', 'all'), 'matched'),
  tlsCertFile: optional('SHEDU_TLS_CERT_FILE', parsePath),
  tlsKeyFile: optional('SHEDU_TLS_KEY_FILE', parsePath),
  tlsCaOut: optional('SHEDU_TLS_CA_OUT', parsePath),
  tlsHosts: setting('SHEDU_TLS_HOSTS', parseHosts, 'localhost,127.0.0.1,::1'),
  tlsDays: setting('SHEDU_TLS_DAYS', parseDays, '30'),
  defaultTimeoutMs: setting('SHEDU_DEFAULT_TIMEOUT_MS', parseMs, '10000'),
  replyMarginMs: setting('SHEDU_REPLY_MARGIN_MS', parseMs, '500'),
  drainMs: setting('SHEDU_DRAIN_MS', parseMs, '5000'),
  cacheBytes: setting('SHEDU_CACHE_BYTES', parseBytes, '64Mi'),
  logLevel: setting('SHEDU_LOG_LEVEL', parseOneOf(...LOG_LEVELS), 'info'),
  events: setting('SHEDU_EVENTS', parseOneOf('off', 'on'), 'off'),
  otlpEndpoint: optional('SHEDU_OTLP_ENDPOINT', parseUrl),
  otlpPercent: setting('SHEDU_OTLP_PERCENT', parsePercent, '100'),
} as const

export type Config = ReturnType<typeof readConfig>

/** Reads and checks all settings. Throws an InputError for the first that cannot be used. */
export function readConfig(environment: Environment) {
  const config = readSettings(environment, SETTINGS)
  if ((config.tlsCertFile === undefined) !== (config.tlsKeyFile === undefined))
    throw new InputError('expected SHEDU_TLS_CERT_FILE and SHEDU_TLS_KEY_FILE together, got one of them')
  if (config.tlsCertFile !== undefined && config.tlsCaOut !== undefined)
    throw new InputError('expected no SHEDU_TLS_CA_OUT with SHEDU_TLS_CERT_FILE: its authority is not ours to write')
  if ((config.credentialProvidersFile === undefined) !== (config.credentialProvidersDir === undefined))
    throw new InputError(
      'expected SHEDU_CREDENTIAL_PROVIDERS_CONFIG and SHEDU_CREDENTIAL_PROVIDERS_DIR together, got one of them',
    )
  return config
}

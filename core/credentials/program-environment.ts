/** What a program that hands out credentials is told of our environment: what such programs need, and nothing that is ours. */
import type { Environment } from '#core/runtime/settings.ts'

/** In upper case; a proxy is written in either. */
const NAMES: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'TZ',
  'TMPDIR',
  // Where Docker and its helpers keep their files, and how the desktop's keyrings are reached.
  'DOCKER_CONFIG',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'GNUPGHOME',
  'GPG_TTY',
  'PASSWORD_STORE_DIR',
  // How the network is reached.
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  // Windows starts nothing without these.
  'SYSTEMROOT',
  'WINDIR',
  'PATHEXT',
  'USERPROFILE',
  'USERNAME',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
])

/** How clouds tell a process who it is. */
const PREFIXES = ['LC_', 'AWS_', 'AZURE_', 'GOOGLE_', 'CLOUDSDK_', 'GCE_METADATA_']

/** What a program may see of the environment, and `more`, which its configuration adds. Settings and tokens of ours are not in it. */
export function environmentFor(environment: Environment, more: Readonly<Record<string, string>> = {}) {
  const seen: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    const upper = name.toUpperCase()
    const isSeen = NAMES.has(upper) || PREFIXES.some(prefix => upper.startsWith(prefix))
    if (value !== undefined && isSeen) seen[name] = value
  }
  return { ...seen, ...more }
}

/** Sigstore's TrustedRoot as JSON (protobuf-specs, sigstore_trustroot.proto): everything in it is usable, or none of it is. */
import { createHash } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { TransparencyLog, TrustRoot } from '#core/domain/trust-root.ts'
import { type JsonLimits, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { Members } from './members.ts'
import { AUTHORITY_MEMBERS, parseAuthority } from './parse-authority.ts'
import { LOG_MEMBERS, parseLog } from './parse-log.ts'

/** Sigstore's own, with every log and authority it ever had, has 7 KB. */
export const TRUST_ROOT_BYTES = 1024 * 1024

/** Certificates lie six levels deep. A log comes to some 15 values, a chain of three to 20: a few hundred of each. */
const LIMITS: JsonLimits = { bytes: TRUST_ROOT_BYTES, depth: 6, values: 20_000 }

/** Of each of the four kinds: a log that is replaced twice a year gets there in fifty. */
export const MOST_OF_A_KIND = 100

const MEDIA_TYPES = [
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]

const MEMBERS = ['mediaType', 'tlogs', 'certificateAuthorities', 'ctlogs', 'timestampAuthorities']

/** Parses the bytes of a trusted_root.json; `name` is what policies call it. Throws an InputError that names the member at fault. */
export function parseTrustedRoot(bytes: Uint8Array, name: string): TrustRoot {
  const root = new Members(parseUntrustedJson(bytes, LIMITS), '', MEMBERS)
  const mediaType = root.text('mediaType')
  if (!MEDIA_TYPES.includes(mediaType))
    throw new InputError(
      `expected mediaType to be one of ${MEDIA_TYPES.join(', ')}, got ${JSON.stringify(mediaType.slice(0, 80))}`,
    )
  const parsed = {
    authorities: root.list('certificateAuthorities', AUTHORITY_MEMBERS, MOST_OF_A_KIND).map(parseAuthority),
    timestampAuthorities: root.list('timestampAuthorities', AUTHORITY_MEMBERS, MOST_OF_A_KIND).map(parseAuthority),
    logs: parseLogs(root, 'tlogs'),
    certificateLogs: parseLogs(root, 'ctlogs'),
  }
  // It would refuse every image, which nobody writes a file for.
  if (Object.values(parsed).every(list => list.length === 0))
    throw new InputError('expected at least one authority or log, got none')
  return { name, version: createHash('sha256').update(bytes).digest('hex'), ...parsed }
}

/**
 * A log may be listed for several stretches of time, and with another key after it has changed it. But one key has one
 * id: logs are counted by their ids, and one under two of them would be two where a policy asks for two.
 */
function parseLogs(root: Members, list: string): readonly TransparencyLog[] {
  const logs = root.list(list, LOG_MEMBERS, MOST_OF_A_KIND).map(parseLog)
  for (const [index, { id, key }] of logs.entries()) {
    const other = logs.findIndex(one => one.key.fingerprint === key.fingerprint && one.id !== id)
    if (other >= 0 && other < index)
      throw new InputError(
        `expected one id for each key, got the key of ${list}[${other}] under another in ${list}[${index}]`,
      )
  }
  return logs
}

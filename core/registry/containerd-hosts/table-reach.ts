/** How a host of containerd's folder is reached: trusting whom the folder names, and as whom the list of registries says. */
import { InputError } from '#core/domain/input-error.ts'
import { isOwnMachine } from '../address.ts'
import type { ClientCertificate } from '../certificates.ts'
import { readCertificates, readClientCertificate } from '../certificates.ts'
import type { ReadFile } from '../named-file.ts'
import type { Reach } from '../registry-entry.ts'
import { unlisted } from '../registry-entry.ts'
import type { HostTable } from './host-table.ts'
import { inPlace } from './host-table.ts'

/**
 * A host that only the folder names: the administrator's word, so its address may be a reserved one. But loopback and
 * link-local are the node's that the folder was written for, and something else where we run.
 */
export function namedByFolder(name: string, origin: string): Reach {
  const host = new URL(origin).hostname.replaceAll(/^\[|\]$/g, '')
  return { ...unlisted(name, origin), isListed: !isOwnMachine(host) }
}

/** Adds what the tables say of the host to what is known of it; throws an InputError that names the field. */
export function withTables(known: Reach, tables: readonly HostTable[], readFile: ReadFile): Reach {
  for (const table of tables) refuseWithoutTls(known, table)
  const authorities = [known.authorities ?? [], tables.map(table => authoritiesOf(table, readFile))].flat(2)
  const dialMs = tables.flatMap(table => table.dialMs ?? [])
  return {
    ...known,
    authorities: authorities.length === 0 ? undefined : [...new Set(authorities)].join('\n'),
    clientCertificate: tables.reduce(
      (shown, table) => certificateOf(table, shown, readFile) ?? shown,
      known.clientCertificate,
    ),
    dialMs: dialMs.length === 0 ? known.dialMs : Math.min(...dialMs),
  }
}

/** The refusal of `http://` where the list of registries does not ask for it. */
export function plainHttpError(table: HostTable, name: string): InputError {
  return new InputError(
    `${table.placeOf()}: expected https://: plain HTTP is spoken only to who is listed for it, so list ${name} with plainHttp: true in the registries file, or take it out here`,
  )
}

/** containerd would try https first, and then go on without. */
function refuseWithoutTls({ origin }: Reach, table: HostTable): void {
  const field = (['ca', 'client'] as const).find(field => table[field]?.length)
  if (origin.startsWith('http:') && field !== undefined)
    throw new InputError(`${table.placeOf(field)}: expected no certificate where nothing is encrypted`)
}

function authoritiesOf({ ca, placeOf }: HostTable, readFile: ReadFile): readonly string[] {
  return ca.map(path => inPlace(placeOf, 'ca', () => readCertificates({ field: 'file', path }, readFile)))
}

function certificateOf(
  { client, placeOf }: HostTable,
  shown: ClientCertificate | undefined,
  readFile: ReadFile,
): ClientCertificate | undefined {
  if (client === undefined) return undefined
  const [cert, key] = client
  return inPlace(placeOf, 'client', () => {
    const read = readClientCertificate({ field: 'certificate', path: cert }, { field: 'key', path: key }, readFile)
    if (shown === undefined || shown.cert === read.cert) return read
    throw new InputError('expected one certificate for this host, and another is named for it elsewhere')
  })
}

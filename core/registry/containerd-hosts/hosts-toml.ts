/** One hosts.toml of containerd, by what its documentation (docs/hosts.md) says the file means. */
import { dirname } from 'node:path'
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import type { HostTable } from './host-table.ts'
import { parseHostTable, REFUSED_FIELDS, TABLE_FIELDS } from './host-table.ts'
import { lineOf, parseToml } from './toml.ts'

/** Who is asked for what a registry has. */
export type SaidHosts = {
  /** Asked first, in this order. */
  readonly hosts: readonly HostTable[]
  /** Asked last: the registry itself, or who is named in its place. */
  readonly server: HostTable
}

const Document = z.strictObject({
  ...TABLE_FIELDS,
  server: z.string().optional(),
  host: z.record(z.string(), z.strictObject(TABLE_FIELDS)).optional(),
})

/** What a message says of the place of a field or table, given by the names that lead to it. */
type PlaceAt = (steps: readonly string[]) => string

/** Parses the text of a file; throws an InputError that names file, line and field. */
export function parseHostsToml(text: string, file: string): SaidHosts {
  const value = parseToml(text, file)
  const placeAt: PlaceAt = steps => `${file}:${lineOf(text, steps)}: ${whole(steps)}`
  refuseFields(value, placeAt)
  const parsed = Document.safeParse(value)
  if (!parsed.success) throw complaintOf(parsed.error, placeAt)
  const { server = '', host = {}, ...fields } = parsed.data
  const folder = dirname(file)
  return {
    server: parseHostTable(server === '' ? undefined : server, fields, {
      folder,
      placeOf: (field = 'server') => (field in value ? placeAt([field]) : file),
    }),
    hosts: Object.entries(host).map(([address, table]) => {
      const placeOf = (field = '') => placeAt(['host', address, ...(field in table ? [field] : [])])
      return parseHostTable(address, table, { folder, placeOf })
    }),
  }
}

/** Before the shape is looked at, which knows them as little as a slip of the pen. */
function refuseFields(value: Readonly<Record<string, unknown>>, placeAt: PlaceAt): void {
  const hosts = isTable(value['host']) ? Object.entries(value['host']) : []
  const tables = [[[], value] as const, ...hosts.map(([name, table]) => [['host', name], table] as const)]
  for (const [steps, table] of tables) {
    const name = Object.keys(REFUSED_FIELDS).find(field => isTable(table) && field in table)
    if (name !== undefined) throw new InputError(`${placeAt([...steps, name])}: ${REFUSED_FIELDS[name]}`)
  }
}

function complaintOf(error: z.ZodError, placeAt: PlaceAt): InputError {
  const issue = error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const steps = [...(issue?.path ?? []).filter(step => typeof step === 'string'), ...unknown]
  const why = unknown.length > 0 ? 'this is no field that is known here' : (issue?.message ?? 'not a hosts.toml')
  const hint = steps.length > 2 && unknown[0] === 'server' ? ', it belongs above the first [host]' : ''
  return new InputError(`${placeAt(steps)}: ${why.charAt(0).toLowerCase()}${why.slice(1)}${hint}`)
}

/** `host."https://mirror.example".header`, as it could stand in the file. */
function whole(steps: readonly string[]): string {
  const [first = '', name, ...rest] = steps
  if (first !== 'host' || name === undefined) return steps.join('.')
  return [first, JSON.stringify(name.slice(0, 120)), ...rest].join('.')
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

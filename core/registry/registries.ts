/** How each registry is reached and as whom. One that is not listed: https, the system's authorities, anonymous. */
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import type { Network } from './address.ts'
import { parseNetwork } from './address.ts'
import type { Rate } from './budget.ts'
import { DEFAULT_RATE } from './budget.ts'
import { readHostsFolders } from './containerd-hosts/hosts-folder.ts'
import { joinHosts } from './containerd-hosts/join-hosts.ts'
import type { Mirror } from './mirrors.ts'
import { MIRROR_SHAPE, parseMirrors } from './mirrors.ts'
import type { ListFolder, ReadFile } from './named-file.ts'
import type { Reach } from './registry-entry.ts'
import { originOf, parseReach, RATE_SHAPE, REACH_SHAPE, unlisted, within } from './registry-entry.ts'
import type { Rewrite } from './rewrites.ts'
import { parseRewrite, REWRITE_SHAPE } from './rewrites.ts'

/** Who else has what a registry has. */
export type Detour = {
  /** Asked before it, in this order. */
  readonly mirrors: readonly Mirror[]
  /** Asked in its place, with the last word; the registry itself is not asked then. */
  readonly standIn: Mirror | undefined
}

export type Registry = Reach & Detour

/** What holds for hosts that are not listed, and where nothing else is said. */
type CommonRules = {
  readonly rate: Rate
  /** Ports besides 443 on which a host that is not listed may be reached. */
  readonly ports: readonly number[]
  /** Of the cluster, besides those that are reserved everywhere: a host that is not listed is not reached there. */
  readonly reservedNetworks: readonly Network[]
  /** Milliseconds for which it is remembered what a tag points at. */
  readonly tagsKeptMs: number
  readonly rewrites: readonly Rewrite[]
  /** Clouds whose identity of this process opens registries of theirs. */
  readonly clouds: readonly Cloud[]
  /** By which hosts registries are reached that are not listed. */
  readonly otherwise: Detour
}

const CLOUDS = ['aws', 'google', 'azure'] as const
export type Cloud = (typeof CLOUDS)[number]

/** By the name of the registry, whole and normalised: `cr.io` finds nothing of `ghcr.io`. */
export type Registries = ReadonlyMap<string, Registry> & { readonly common: CommonRules }

/** RFC 6761 section 6.4: no name under `invalid` is ever found. */
const NOWHERE = 'https://registry.invalid'

/** Enough for every registry that a cluster pulls from; a longer list is a generated one gone wrong. */
const MAX_REGISTRIES = 1000
const MAX_REWRITES = 1000
const MAX_PORTS = 100
const MAX_NETWORKS = 1000

/** Parent and child objects name one image within a second, and a rollout does for some. */
const TAGS_KEPT_SECONDS = 3

const Entry = z.strictObject({ ...REACH_SHAPE, mirrors: z.array(MIRROR_SHAPE).optional() })

const Document = z.strictObject({
  registries: z.array(Entry).max(MAX_REGISTRIES),
  rewrites: z.array(REWRITE_SHAPE).max(MAX_REWRITES).optional(),
  requests: RATE_SHAPE.optional(),
  ports: z.array(z.int().min(1).max(65_535)).max(MAX_PORTS).optional(),
  reservedNetworks: z.array(z.string()).max(MAX_NETWORKS).optional(),
  keepTagsSeconds: z.number().min(0).max(60).optional(),
  cloudCredentials: z.array(z.enum(CLOUDS)).max(CLOUDS.length).optional(),
  containerdHosts: z.string().min(1).optional(),
})
type Document = z.infer<typeof Document>

/**
 * Parses the list of registries, and containerd's folder where it names one; throws an InputError that names the field, and
 * never holds what a secret file said.
 */
export function parseRegistries(value: unknown, readFile: ReadFile, listFolder: ListFolder = noFolders): Registries {
  const parsed = Document.safeParse(value)
  if (!parsed.success) throw new InputError(complaintOf(parsed.error))
  const listed = parseEntries(parsed.data, readFile)
  const { containerdHosts } = parsed.data
  const { registries, otherwise } =
    containerdHosts === undefined
      ? { registries: listed, otherwise: STRAIGHT }
      : within('containerdHosts', () =>
          joinHosts(listed, readHostsFolders(containerdHosts, { readFile, listFolder }), readFile),
        )
  return Object.assign(registries, { common: { ...parseCommon(parsed.data), otherwise } })
}

function parseEntries({ registries: entries }: Document, readFile: ReadFile): Map<string, Registry> {
  const registries = new Map<string, Registry>()
  for (const [index, { mirrors = [], ...entry }] of entries.entries()) {
    const registry = within(`registries[${index}]`, () => ({
      ...parseReach(entry, readFile),
      mirrors: parseMirrors(mirrors, readFile),
      standIn: undefined,
    }))
    if (registries.has(registry.name)) throw new InputError(`registries[${index}]: ${registry.name} is listed twice`)
    registries.set(registry.name, registry)
  }
  return registries
}

const STRAIGHT: Detour = { mirrors: [], standIn: undefined }

function noFolders(): never {
  throw new InputError('folders are not read here')
}

/** The registry of this name, listed or not. */
export function registryOf(registries: Registries, name: string): Registry {
  const listed = registries.get(name)
  if (listed !== undefined) return listed
  const origin = originOf(name, 'https') ?? NOWHERE
  const { otherwise } = registries.common
  const { mirrors, standIn } = otherwise
  // A host by which others are reached is, by its own name, nobody's mirror.
  const isItself = ({ reach, path }: Mirror) => reach.origin === origin && path === '/v2'
  const itself = hostsOf(otherwise).find(isItself)
  return {
    ...(itself?.reach ?? unlisted(name, origin)),
    mirrors: mirrors.filter(mirror => !isItself(mirror)),
    standIn: standIn !== undefined && !isItself(standIn) ? standIn : undefined,
  }
}

/** Every host that the administrator has listed: registries, their mirrors and who stands in for them. */
export function reachesOf(registries: Registries): readonly Reach[] {
  const others = [...registries.values(), registries.common.otherwise].flatMap(hostsOf)
  return [...registries.values(), ...others.map(({ reach }) => reach)].filter(({ isListed }) => isListed)
}

function hostsOf({ mirrors, standIn }: Detour): readonly Mirror[] {
  return [...mirrors, ...(standIn === undefined ? [] : [standIn])]
}

function parseCommon({
  rewrites = [],
  requests,
  ports = [],
  reservedNetworks = [],
  keepTagsSeconds,
  cloudCredentials = [],
}: Document): Omit<CommonRules, 'otherwise'> {
  const parsed = rewrites.map((rewrite, index) => within(`rewrites[${index}]`, () => parseRewrite(rewrite)))
  const froms = parsed.map(({ from }) => `${from.registry}/${from.path}`)
  const twice = froms.findIndex((from, index) => froms.indexOf(from) < index)
  if (twice >= 0) throw new InputError(`rewrites[${twice}]: prefix: ${froms[twice]} is listed twice`)
  return {
    rate: requests ?? DEFAULT_RATE,
    ports,
    reservedNetworks: reservedNetworks.map((text, index) =>
      within(`reservedNetworks[${index}]`, () => parseNetwork(text)),
    ),
    tagsKeptMs: (keepTagsSeconds ?? TAGS_KEPT_SECONDS) * 1000,
    rewrites: parsed,
    clouds: [...new Set(cloudCredentials)],
  }
}

/** zod names fields and types and never repeats a value. */
function complaintOf(error: z.ZodError): string {
  const issue = error.issues[0]
  const path = (issue?.path ?? []).map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  const message = issue?.message ?? 'not a list of registries'
  return `${path === '' ? 'the list of registries' : path.slice(1)}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
}

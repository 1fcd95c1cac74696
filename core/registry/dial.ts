/** Opens connections: to which addresses, trusting whom, by which proxy, and remembering which of them had answered before they broke. */
import { lookup, Resolver } from 'node:dns/promises'
import type { LookupFunction, Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { createSecureContext, getCACertificates } from 'node:tls'
import { buildConnector } from 'undici'
import {
  forbiddenPortError,
  inNetworks,
  isPrivateName,
  isReservedAddress,
  isReservedHost,
  reservedAddressError,
} from './address.ts'
import { codeOf, RESETS } from './failure.ts'
import type { ProxyFor } from './proxy.ts'
import type { Registries } from './registries.ts'
import { reachesOf } from './registries.ts'
import type { Reach } from './registry-entry.ts'
import type { NameSources } from './resolve-name.ts'
import { resolveName } from './resolve-name.ts'

/** Where no list says otherwise. */
const USUAL_PORT = '443'

export type DialOptions = {
  readonly silenceMs: number
  readonly proxyFor?: ProxyFor | undefined
  /** Who knows names; the system's servers and the system, if left out. */
  readonly names?: NameSources | undefined
}

/** Makes connectors for undici. */
export class Dialer {
  readonly #listedHosts: ReadonlySet<string>
  readonly #ports: ReadonlySet<string>
  /** Of a network that the administrator has called reserved. */
  readonly #isOurs: (address: string) => boolean
  readonly #silenceMs: number
  readonly #proxyFor: ProxyFor
  readonly #names: NameSources
  readonly #stale = new WeakSet<Error>()

  constructor(registries: Registries, { silenceMs, proxyFor = () => undefined, names }: DialOptions) {
    const listed = reachesOf(registries).flatMap(({ origin, realms }) => [
      origin,
      ...realms.map(realm => `https://${realm}`),
    ])
    this.#listedHosts = new Set(listed.map(address => hostAndPort(new URL(address))))
    this.#ports = new Set([USUAL_PORT, ...registries.common.ports.map(String)])
    this.#isOurs = inNetworks(registries.common.reservedNetworks)
    this.#silenceMs = silenceMs
    this.#proxyFor = proxyFor
    // The second try waits twice as long, so that both are over in the time that a connection may take.
    const patience = { timeout: Math.ceil(silenceMs / 3), tries: 2 }
    this.#names = names ?? {
      makeResolver: () => new Resolver(patience),
      askSystem: host => lookup(host, { all: true }),
    }
  }

  /**
   * A connector for requests that this registry is the reason of. It trusts the system's authorities and, where there are
   * any, the registry's. A listed one reaches reserved addresses of listed hosts, by their port; a stranger reaches none,
   * or he could have us ask a registry of ours, or what else listens on its machine, for something in his name.
   */
  connector(registry: Reach): buildConnector.connector {
    const own = hostAndPort(new URL(registry.origin))
    // HTTP/1.1 alone: one parser less between us and a hostile server.
    const common = { allowH2: false, timeout: Math.min(this.#silenceMs, registry.dialMs ?? this.#silenceMs) }
    const [toOthers, toOwn] = contextsOf(registry)
    const connectors = (trust: { readonly secureContext?: SecureContext }) => ({
      toListed: buildConnector({ ...common, ...trust, lookup: this.#lookup(() => false) }),
      toAnyone: buildConnector({ ...common, ...trust, lookup: this.#lookup(address => this.#isReserved(address)) }),
      tunnelled: buildConnector({ ...common, ...trust }),
    })
    const others = connectors(toOthers)
    const mine = toOwn === toOthers ? others : connectors(toOwn)
    return (options, callback) => {
      const name = hostAndPort(options)
      const isHere = registry.isListed && this.#listedHosts.has(name)
      const proxy = this.#proxyFor({ ...targetOf(options), protocol: options.protocol })
      const objection = isHere ? undefined : this.#objectionTo(options, proxy !== undefined)
      if (objection !== undefined) return callback(objection, null)
      const { toListed, toAnyone, tunnelled } = name === own ? mine : others
      const watched = this.#watch(callback)
      if (proxy !== undefined) return void this.#through(proxy, options, tunnelled, watched)
      return (isHere ? toListed : toAnyone)(options, watched)
    }
  }

  /** Whether the error is that of a connection which had answered before, and then was closed by the other side. */
  isStale(error: unknown): boolean {
    return error instanceof Error && this.#stale.has(error)
  }

  /** What can be seen of where a stranger leads without looking his name up. */
  #objectionTo(options: buildConnector.Options, isProxied: boolean): Error | undefined {
    const { host, port } = targetOf(options)
    if (isReservedHost(host) || this.#isOurs(host)) return reservedAddressError()
    // Where the proxy looks it up, a name is all that there is to see.
    if (isProxied && isPrivateName(host)) return reservedAddressError()
    return this.#ports.has(String(port)) ? undefined : forbiddenPortError()
  }

  #isReserved(address: string): boolean {
    return isReservedAddress(address) || this.#isOurs(address)
  }

  /** The proxy looks the name up, so what it leads to is for the proxy to refuse. */
  async #through(
    proxy: URL,
    options: buildConnector.Options,
    connectTls: buildConnector.connector,
    callback: buildConnector.Callback,
  ): Promise<void> {
    const { host, port } = targetOf(options)
    let socket: Socket
    try {
      // Loaded only where there is a proxy: an import of node:http loads the whole fetch of Node, which nothing else here uses.
      const { openTunnel } = await import('./tunnel.ts')
      socket = await openTunnel(proxy, `${host.includes(':') ? `[${host}]` : host}:${port}`, this.#silenceMs)
    } catch (error) {
      callback(error as Error, null)
      return
    }
    if (options.protocol === 'https:') connectTls({ ...options, httpSocket: socket }, callback)
    else callback(null, socket)
  }

  #watch(callback: buildConnector.Callback): buildConnector.Callback {
    return (...result) => {
      const [, socket] = result
      socket?.on('error', error => {
        if (socket.bytesRead > 0 && RESETS.includes(codeOf(error) ?? '')) this.#stale.add(error)
      })
      callback(...result)
    }
  }

  /** Looks a name up and refuses it if any of its addresses is forbidden; what is checked is what is connected to. */
  #lookup(isForbidden: (address: string) => boolean): LookupFunction {
    return (host, options, callback) => {
      const found = (addresses: Awaited<ReturnType<typeof resolveName>>) => {
        const [first] = addresses
        if (first === undefined || addresses.some(({ address }) => isForbidden(address)))
          return callback(reservedAddressError(), '')
        return options.all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family)
      }
      const failed = (error: NodeJS.ErrnoException) => callback(error, '')
      resolveName(host, this.#names, AbortSignal.timeout(this.#silenceMs)).then(found, failed)
    }
  }
}

type Trust = { readonly secureContext?: SecureContext }

/**
 * Whom to trust, for others and for the registry itself, which alone is shown its client certificate. Made once: parsing
 * some 150 certificates for each connection costs more than the connection.
 */
function contextsOf({ authorities, clientCertificate }: Reach): readonly [Trust, Trust] {
  if (authorities === undefined && clientCertificate === undefined) return [{}, {}]
  const ca = [...getCACertificates('default'), ...(authorities === undefined ? [] : [authorities])]
  const toOthers = { secureContext: createSecureContext({ ca }) }
  if (clientCertificate === undefined) return [toOthers, toOthers]
  return [toOthers, { secureContext: createSecureContext({ ca, ...clientCertificate }) }]
}

/** Of a URL, or of undici's options: both leave a port out that is the scheme's own. */
function hostAndPort(address: Pick<URL, 'protocol' | 'hostname' | 'port'>): string {
  const { host, port } = targetOf(address)
  return `${host} ${port}`
}

function targetOf({ protocol, hostname, port }: Pick<URL, 'protocol' | 'hostname' | 'port'>) {
  const usual = protocol === 'https:' ? 443 : 80
  return { host: hostname.replaceAll(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) }
}

/** Opens connections: to which addresses, trusting whom, and remembering which of them had answered before they broke. */
import { lookup, Resolver } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import { buildConnector } from 'undici'
import { isReservedAddress, reservedAddressError } from './address.ts'
import { codeOf } from './failure.ts'
import type { Registries, Registry } from './registries.ts'
import type { NameSources } from './resolve-name.ts'
import { resolveName } from './resolve-name.ts'

const CLOSED_BY_THE_OTHER_SIDE = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

/** Makes connectors for undici. */
export class Dialer {
  readonly #registries: Registries
  readonly #listedHosts: ReadonlySet<string>
  readonly #silenceMs: number
  readonly #names: NameSources
  readonly #stale = new WeakSet<Error>()

  constructor(registries: Registries, silenceMs: number) {
    const listed = [...registries.values()].flatMap(({ origin, realms }) => [
      origin,
      ...realms.map(realm => `https://${realm}`),
    ])
    this.#registries = registries
    this.#listedHosts = new Set(listed.map(address => hostAndPort(new URL(address))))
    this.#silenceMs = silenceMs
    // The second try waits twice as long, so that both are over in the time that a connection may take.
    const patience = { timeout: Math.ceil(silenceMs / 3), tries: 2 }
    this.#names = { makeResolver: () => new Resolver(patience), askSystem: host => lookup(host, { all: true }) }
  }

  /** Whether the administrator has listed the registry. Who is not listed is a stranger, wherever he sends us on to. */
  isListed({ name }: Registry): boolean {
    return this.#registries.has(name)
  }

  /**
   * A connector for requests that this registry is the reason of. It trusts the system's authorities and, where there are
   * any, the registry's. A listed one reaches reserved addresses of listed hosts, by their port; a stranger reaches none,
   * or he could have us ask a registry of ours, or what else listens on its machine, for something in his name.
   */
  connector(registry: Registry): buildConnector.connector {
    const { authorities } = registry
    const isStranger = !this.isListed(registry)
    // Made once: parsing some 150 certificates for each connection costs more than the connection.
    const trust =
      authorities === undefined
        ? {}
        : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), authorities] }) }
    // HTTP/1.1 alone: one parser less between us and a hostile server.
    const common = { ...trust, allowH2: false, timeout: this.#silenceMs }
    const toListed = buildConnector({ ...common, lookup: this.#lookup(() => false) })
    const toAnyone = buildConnector({ ...common, lookup: this.#lookup(isReservedAddress) })
    return (options, callback) => {
      const host = withoutBrackets(options.hostname)
      const isHere = !isStranger && this.#listedHosts.has(hostAndPort(options))
      if (!isHere && isReservedAddress(host)) return callback(reservedAddressError(), null)
      const connect = isHere ? toListed : toAnyone
      return connect(options, (...result) => {
        const [, socket] = result
        socket?.on('error', error => {
          if (socket.bytesRead > 0 && CLOSED_BY_THE_OTHER_SIDE.includes(codeOf(error) ?? '')) this.#stale.add(error)
        })
        callback(...result)
      })
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

  /** Whether the error is that of a connection which had answered before, and then was closed by the other side. */
  isStale(error: unknown): boolean {
    return error instanceof Error && this.#stale.has(error)
  }
}

/** Of a URL, or of undici's options: both leave a port out that is the scheme's own. */
function hostAndPort({ protocol, hostname, port }: Pick<URL, 'protocol' | 'hostname' | 'port'>): string {
  const scheme = protocol === 'https:' ? '443' : '80'
  return `${withoutBrackets(hostname)} ${port === '' ? scheme : port}`
}

function withoutBrackets(host: string): string {
  return host.replaceAll(/^\[|\]$/g, '')
}

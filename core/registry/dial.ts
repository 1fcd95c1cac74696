/** Opens connections: to which addresses, trusting whom, and remembering which of them had answered before they broke. */
import { createSecureContext, getCACertificates } from 'node:tls'
import { buildConnector } from 'undici'
import { isReservedAddress, lookupUnreserved, reservedAddressError } from './address.ts'
import { codeOf } from './failure.ts'
import type { Registries } from './registries.ts'

const CLOSED_BY_THE_OTHER_SIDE = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

/** Makes connectors for undici. */
export class Dialer {
  readonly #listedHosts: ReadonlySet<string>
  readonly #silenceMs: number
  readonly #stale = new WeakSet<Error>()

  constructor(registries: Registries, silenceMs: number) {
    const listed = [...registries.values()].flatMap(({ origin, realms }) => [
      origin,
      ...realms.map(realm => `https://${realm}`),
    ])
    this.#listedHosts = new Set(listed.map(address => withoutBrackets(new URL(address).hostname)))
    this.#silenceMs = silenceMs
  }

  /** A connector that trusts the system's authorities and, where there are any, these (PEM). */
  connector(authorities: string | undefined): buildConnector.connector {
    // Made once: parsing some 150 certificates for each connection costs more than the connection.
    const trust =
      authorities === undefined
        ? {}
        : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), authorities] }) }
    // HTTP/1.1 alone: one parser less between us and a hostile server.
    const common = { ...trust, allowH2: false, timeout: this.#silenceMs }
    const toListed = buildConnector(common)
    const toAnyone = buildConnector({ ...common, lookup: lookupUnreserved })
    return (options, callback) => {
      const host = withoutBrackets(options.hostname)
      const isListed = this.#listedHosts.has(host)
      if (!isListed && isReservedAddress(host)) return callback(reservedAddressError(), null)
      const connect = isListed ? toListed : toAnyone
      return connect(options, (...result) => {
        const [, socket] = result
        socket?.on('error', error => {
          if (socket.bytesRead > 0 && CLOSED_BY_THE_OTHER_SIDE.includes(codeOf(error) ?? '')) this.#stale.add(error)
        })
        callback(...result)
      })
    }
  }

  /** Whether the error is that of a connection which had answered before, and then was closed by the other side. */
  isStale(error: unknown): boolean {
    return error instanceof Error && this.#stale.has(error)
  }
}

function withoutBrackets(host: string): string {
  return host.replaceAll(/^\[|\]$/g, '')
}

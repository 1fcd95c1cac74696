/**
 * Where a connection may go. Anyone who can name an image can make Shedu connect to a host, and a registry can redirect
 * it to one: never to this machine or to what answers on its link only (a cloud's metadata service, the kubelet),
 * unless the administrator has listed that host.
 */
import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { BlockList, isIP } from 'node:net'

const RESERVED = new BlockList()
RESERVED.addSubnet('0.0.0.0', 8)
RESERVED.addSubnet('127.0.0.0', 8)
RESERVED.addSubnet('169.254.0.0', 16)
RESERVED.addSubnet('224.0.0.0', 3)
RESERVED.addAddress('::', 'ipv6')
RESERVED.addAddress('::1', 'ipv6')
RESERVED.addSubnet('fe80::', 10, 'ipv6')
RESERVED.addSubnet('ff00::', 8, 'ipv6')
// Amazon's metadata service over IPv6.
RESERVED.addAddress('fd00:ec2::254', 'ipv6')

/** Whether a host is written as a reserved address, and so needs no look-up to be refused. */
export function isReservedAddress(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && RESERVED.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** The error of a connection that was not made. */
export function reservedAddressError(): Error {
  return Object.assign(new Error('reserved address'), { code: 'RESERVED_ADDRESS' })
}

/** Resolves a name and refuses it if any of its addresses is reserved; what is checked is what is connected to. */
export const lookupUnreserved: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? []
    if (error !== null || first === undefined) return callback(error ?? reservedAddressError(), '')
    if (addresses.some(({ address }) => isReservedAddress(address))) return callback(reservedAddressError(), '')
    return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
  })
}

/**
 * Where a connection may go. Anyone who can name an image can make Shedu connect to a host, and a registry can redirect
 * it to one: never to this machine, to what answers on its link only (a cloud's metadata service, the kubelet) or to the
 * networks behind it, unless the administrator has listed that host.
 */
import { BlockList, isIP } from 'node:net'
import { InputError } from '#core/domain/input-error.ts'

export type Network = readonly [address: string, bits: number]

/** The IANA registry of special-purpose addresses (RFC 6890) where somebody may answer, and everything from 224.0.0.0 up. */
const IPV4: readonly Network[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
  // Azure's metadata service and load balancer probe.
  ['168.63.129.16', 32],
]

/** Unique local (Amazon's metadata service is one of them), link-local, site-local, multicast, and translation that is the network's own affair (RFC 8215). */
const IPV6: readonly Network[] = [
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['64:ff9b:1::', 48],
]

const isReserved = inNetworks([...IPV4, ...IPV6])

/** What is another on each machine: itself, and what answers on its link only. */
const OWN_MACHINE: readonly Network[] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['fe80::', 10],
]
const isOwn = inNetworks(OWN_MACHINE)

/** Whether a host is written as a reserved address, and so needs no look-up to be refused. */
export function isReservedAddress(host: string): boolean {
  return isReserved(host)
}

/** Whether a host is this machine or reserved, as far as its name shows. */
export function isReservedHost(host: string): boolean {
  return isReservedAddress(host) || isLocalhost(host)
}

/**
 * Whether a name is one that no public name server knows: of a cluster, of a cloud's inside (`metadata.google.internal`), of
 * a network at home (RFC 6762, RFC 8375), or without a dot.
 */
export function isPrivateName(host: string): boolean {
  if (isIP(host) !== 0) return false
  const name = host.replace(/\.$/, '')
  return !name.includes('.') || /\.(?:internal|local|localdomain|svc|home\.arpa)$/i.test(name)
}

/** Whether a host is written as loopback or link-local: whoever names it means the machine where that is read. */
export function isOwnMachine(host: string): boolean {
  return isOwn(host) || isLocalhost(host)
}

/** The error of a connection that was not made to a port where nobody has said that a registry is. */
export function forbiddenPortError(): Error {
  return Object.assign(new Error('forbidden port'), { code: 'FORBIDDEN_PORT' })
}

/** The error of a connection that was not made. */
export function reservedAddressError(): Error {
  return Object.assign(new Error('reserved address'), { code: 'RESERVED_ADDRESS' })
}

/** `localhost` and all below it are (RFC 6761 section 6.3). */
function isLocalhost(host: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(host)
}

/** Parses `10.0.0.0/8` or `fd00::/8`; throws an InputError. */
export function parseNetwork(text: string): Network {
  const [address = '', bits = '', ...more] = text.split('/')
  const family = address.includes('%') ? 0 : isIP(address)
  const most = { 0: -1, 4: 32, 6: 128 }[family] ?? -1
  if (more.length === 0 && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= most) return [address, Number(bits)]
  throw new InputError('expected a network such as 10.0.0.0/8 or fd00::/8')
}

/**
 * Makes the question whether a host is written as an address in one of these networks. A gateway makes of
 * 64:ff9b::a.b.c.d what it makes of a.b.c.d (RFC 6052), and so do 6to4 (RFC 3056), SIIT (RFC 2765) and the ancient ::a.b.c.d; clusters
 * without IPv4 reach all public registries by the first, so only what is behind it is meant. ::ffff:a.b.c.d is a.b.c.d to
 * BlockList itself.
 */
export function inNetworks(networks: readonly Network[]): (host: string) => boolean {
  const list = new BlockList()
  for (const [network, bits] of networks) {
    if (isIP(network) === 6) list.addSubnet(network, bits, 'ipv6')
    else addIpv4(list, network, bits)
  }
  return host => {
    const family = isIP(host)
    return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function addIpv4(list: BlockList, network: string, bits: number): void {
  list.addSubnet(network, bits)
  for (const prefix of ['64:ff9b::', '::ffff:0:', '::']) list.addSubnet(`${prefix}${network}`, 96 + bits, 'ipv6')
  const [a = 0, b = 0, c = 0, d = 0] = network.split('.').map(Number)
  list.addSubnet(`2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`, 16 + bits, 'ipv6')
}

/** Proxies, as the environment names them: which host is reached by which, and which by none. */
import { isIP } from 'node:net'
import { InputError } from '#core/domain/input-error.ts'
import { inNetworks, parseNetwork } from './address.ts'
import { within } from './registry-entry.ts'

/** Where a connection is to go; an address without its brackets. */
export type Target = { readonly protocol: string; readonly host: string; readonly port: number }

/** The proxy to reach a target by, or undefined for the straight way. It may hold a name and password. */
export type ProxyFor = (target: Target) => URL | undefined

type Environment = { readonly [name: string]: string | undefined }

/** What cluster administrators write is some dozen ranges and suffixes. */
const MOST_EXCEPTIONS = 1000

/**
 * Parses HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or the same in lower case, which wins as it does with curl. Throws an
 * InputError that names the variable and not what it says, for that may be a password.
 */
export function parseProxies(environment: Environment): ProxyFor {
  const of = (name: string) => environment[name.toLowerCase()] ?? environment[name] ?? ''
  const proxies = new Map([
    ['https:', parseProxy('HTTPS_PROXY', of('HTTPS_PROXY'))],
    ['http:', parseProxy('HTTP_PROXY', of('HTTP_PROXY'))],
  ])
  const isExcepted = parseExceptions(of('NO_PROXY'))
  return target => (isExcepted(target) ? undefined : proxies.get(target.protocol))
}

function parseProxy(name: string, text: string): URL | undefined {
  if (text === '') return undefined
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  const isUsable = url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== ''
  if (!isUsable) throw new InputError(`${name}: expected the address of a proxy such as http://proxy.example:3128`)
  return url
}

/** As Go's golang.org/x/net/http/httpproxy reads it, because that is what the node's own runtime does. */
function parseExceptions(text: string): (target: Target) => boolean {
  const entries = text
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .filter(entry => entry !== '')
  if (entries.length > MOST_EXCEPTIONS)
    throw new InputError(`NO_PROXY: expected at most ${MOST_EXCEPTIONS} entries, got ${entries.length}`)
  const exceptions = entries.map(parseException)
  return target => isLoopback(target.host) || exceptions.some(applies => applies(target))
}

function parseException(entry: string): (target: Target) => boolean {
  if (entry === '*') return () => true
  if (entry.includes('/')) return inSubnet(entry)
  const [, name = '', port] = /^(.*?)(?::([0-9]+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
  const host = name.replaceAll(/^\[|\]$/g, '')
  const isOurPort = (target: Target) => port === undefined || Number(port) === target.port
  if (isIP(host) !== 0) return target => target.host === host && isOurPort(target)
  // `.example.com` is what lies below it; `example.com` is that and itself. So is `*.example.com` to many who write it.
  const suffix = host.replace(/^\*?\.?/, '.')
  const isItself = !/^[*.]/.test(host)
  return target => (target.host.endsWith(suffix) || (isItself && target.host === host)) && isOurPort(target)
}

function inSubnet(text: string): (target: Target) => boolean {
  const network = within('NO_PROXY', () => parseNetwork(text))
  const isIn = inNetworks([network])
  return ({ host }) => isIP(host) === isIP(network[0]) && isIn(host)
}

/** No proxy stands between a machine and itself. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

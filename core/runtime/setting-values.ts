/** The notations a setting can have; each parser throws an InputError that says what it expected and what it got. */
import { isIP } from 'node:net'
import { InputError } from '#core/domain/input-error.ts'

/** The longest a timer of Node can wait: 2^31 - 1 ms, some 24 days. Beyond, it would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const UNITS = { '': 1, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 } as const

/** A TCP port; 0 lets the system choose a free one. */
export function parsePort(text: string): number {
  return integer(text, 0, 65_535)
}

/** A time in milliseconds, 0 included. */
export function parseMs(text: string): number {
  return integer(text, 0, LONGEST_TIMER_MS)
}

/** A whole number of days, at least one. */
export function parseDays(text: string): number {
  return integer(text, 1, 3650)
}

/** A share in percent, 0 to 100. */
export function parsePercent(text: string): number {
  return integer(text, 0, 100)
}

/** An address of HTTP. A name and password in it are refused: settings are shown to whoever may read a Deployment. */
export function parseUrl(text: string): string {
  const url = URL.parse(text)
  const isHttp = url !== null && ['http:', 'https:'].includes(url.protocol)
  if (isHttp && url.username === '' && url.password === '') return url.href
  throw new InputError('expected an address such as http://collector:4318/v1/traces, without a name and a password')
}

/** A number of bytes, at least one, with the binary suffixes of Kubernetes: `1048576`, `1024Ki`, `1Mi`. */
export function parseBytes(text: string): number {
  const match = /^([0-9]{1,15})(Ki|Mi|Gi)?$/.exec(text)
  const bytes = match === null ? 0 : Number(match[1]) * UNITS[(match[2] ?? '') as keyof typeof UNITS]
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes
  throw new InputError(`expected a number of bytes such as 1048576, 1024Ki or 64Mi, got ${JSON.stringify(text)}`)
}

/** One of the given words, and nothing else. */
export function parseOneOf<const W extends string>(...words: readonly W[]): (text: string) => W {
  return text => {
    const word = words.find(word => word === text)
    if (word !== undefined) return word
    throw new InputError(`expected one of ${words.join(', ')}, got ${JSON.stringify(text)}`)
  }
}

/** A path of the file system; whether anything lies there is for its reader to find out. */
export function parsePath(text: string): string {
  if (text !== '' && !text.includes('\0')) return text
  throw new InputError(`expected a path, got ${JSON.stringify(text)}`)
}

/** An address to listen on. A name is refused: it could stand for several addresses, or for another one tomorrow. */
export function parseAddress(text: string): string {
  if (isIP(text) !== 0) return text
  throw new InputError(`expected an IP address such as 127.0.0.1, 0.0.0.0 or ::, got ${JSON.stringify(text)}`)
}

/** Names and addresses a certificate is made out to, separated by commas. */
export function parseHosts(text: string): readonly string[] {
  const hosts = text.split(',').map(host => host.trim())
  for (const host of hosts) {
    if (!isHost(host))
      throw new InputError(`expected names or addresses separated by commas, got ${JSON.stringify(text)}`)
  }
  return hosts
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || (text.length <= 253 && /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/.test(text))
}

function integer(text: string, least: number, most: number): number {
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new InputError(`expected ${least} to ${most}, got ${JSON.stringify(text)}`)
}

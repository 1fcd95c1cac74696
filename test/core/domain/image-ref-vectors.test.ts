import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'

type Vector = {
  readonly text: string
  readonly refused?: true
  readonly domain?: string
  readonly path?: string
  readonly tag?: string
  readonly digest?: string
}

const file = join(import.meta.dirname, '..', '..', 'fixtures', 'references', 'distribution.json')
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]
const [refused, accepted] = [vectors.filter(one => one.refused), vectors.filter(one => !one.refused)]

const HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io']

/** What distribution lets through and Shedu does not, with the reason. */
const STRICTER: readonly (readonly [RegExp, RegExp])[] = [
  // To distribution an underscore makes a path of the host, and no registry is left.
  [/^gh_cr\.io\//, /is not the name of a registry/],
  [/@sha512:/, /expected sha256: and 64 lower-case hex digits/],
  [/:0[0-9]*\/|:99999\/|:\//, /is not a port/],
  [/^Host\/|^host:443\//, /needs a dot, or a port other than 443/],
]

/** The registry and repository that a container runtime would ask, by the one name that Shedu has for them. */
function nameOf({ domain = '', path = '' }: Vector) {
  const host = domain.toLowerCase().replace(/:443$/, '')
  const registry = HUB.includes(host) ? 'index.docker.io' : host
  return { registry, repository: registry === 'index.docker.io' && !path.includes('/') ? `library/${path}` : path }
}

t.test('what distribution refuses is refused', async t => {
  t.ok(refused.length > 100)
  for (const { text } of refused) t.throws(() => parseImageRef(text), InputError, JSON.stringify(text))
})

t.test('what distribution accepts is the same image here, or refused for a reason of our own', async t => {
  t.ok(accepted.length > 100)
  for (const vector of accepted) {
    const { text, tag, digest } = vector
    const [, reason] = STRICTER.find(([pattern]) => pattern.test(text)) ?? []
    if (reason !== undefined) t.throws(() => parseImageRef(text), reason, text)
    else {
      const ref = parseImageRef(text)
      t.match(ref, { ...nameOf(vector), digest }, text)
      // distribution drops a tag beside a digest; here it is dropped by whoever compares.
      if (digest === undefined) t.equal(ref.tag, tag, text)
    }
  }
})

import fc from 'fast-check'
import t from 'tap'
import { parseDigest } from '#core/domain/digest.ts'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { nameOf, parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { anyText } from '#test/support/any-text.ts'

const DIGEST = parseDigest(`sha256:${'ab'.repeat(32)}`)

const lower = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('')
const word = fc.string({ unit: fc.constantFrom(...lower), minLength: 1, maxLength: 8 })
const component = fc
  .tuple(word, fc.array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '--'), word), { maxLength: 2 }))
  .map(([first, rest]) => first + rest.flat().join(''))
const components = fc.array(component, { minLength: 1, maxLength: 4 })
const tag = fc
  .tuple(
    fc.constantFrom(...lower, 'A', '_'),
    fc.string({ unit: fc.constantFrom(...lower, 'Z', '.', '-', '_'), maxLength: 20 }),
  )
  .map(([first, rest]) => first + rest)
const port = fc.integer({ min: 1, max: 65_535 }).filter(number => number !== 443)
const label = fc.tuple(word, fc.constantFrom('', '-x', '--1')).map(([first, rest]) => first + rest)
const domain = fc.array(label, { minLength: 2, maxLength: 4 }).map(labels => labels.join('.'))
const hub = /^(?:docker\.io|index\.docker\.io|registry-1\.docker\.io)$/
const host = fc
  .oneof(domain, fc.constant('localhost'), fc.constant('127.0.0.1'), fc.constant('[::1]'))
  .filter(one => !hub.test(one))
const registry = fc.oneof(
  host,
  fc.tuple(host, port).map(([name, number]) => `${name}:${number}`),
)
const suffix = fc.oneof(
  fc.constant(''),
  tag.map(text => `:${text}`),
  fc.constant(`@${DIGEST}`),
  tag.map(text => `:${text}@${DIGEST}`),
)

/** The text with some of its letters in upper case. */
function shouted(text: string): fc.Arbitrary<string> {
  return fc.mixedCase(fc.constant(text))
}

/** A first component that looks like a host is one, unless a host stands before it. */
function looksLikeHost([first, ...rest]: readonly string[]): boolean {
  return rest.length > 0 && (first === 'localhost' || first?.includes('.') === true)
}

function name(text: string): string {
  return nameOf(parseImageRef(text))
}

t.test('all spellings of one image on Docker Hub are one name', async t => {
  const heads = fc
    .constantFrom('docker.io', 'index.docker.io', 'registry-1.docker.io')
    .chain(alias => fc.tuple(shouted(alias), fc.constantFrom('', ':443')))
    .map(([alias, portText]) => `${alias}${portText}/`)
  fc.assert(
    fc.property(components, heads, suffix, (path, head, end) => {
      fc.pre(!looksLikeHost(path))
      const short = path.join('/')
      const full = path.length === 1 ? `library/${short}` : short
      const expected = name(`index.docker.io/${full}${end}`)
      t.strictSame([`${short}${end}`, `${full}${end}`, `${head}${short}${end}`, `${head}${full}${end}`].map(name), [
        expected,
        expected,
        expected,
        expected,
      ])
    }),
  )
  t.equal(name('nginx'), 'index.docker.io/library/nginx:latest')
})

t.test('all spellings of one image elsewhere are one name', async t => {
  fc.assert(
    fc.property(
      host.chain(one => fc.tuple(fc.constant(one), shouted(one))),
      components,
      suffix,
      ([plain, loud], path, end) => {
        const rest = `/${path.join('/')}${end}`
        t.equal(name(`${loud}${rest}`), name(`${plain}${rest}`))
        t.equal(name(`${loud}:443${rest}`), name(`${plain}${rest}`))
      },
    ),
  )
})

t.test('a tag is dropped where there is a digest', async t => {
  fc.assert(
    fc.property(registry, components, tag, (where, path, text) => {
      const repository = `${where}/${path.join('/')}`
      t.equal(name(`${repository}:${text}@${DIGEST}`), `${repository}@${DIGEST}`)
      t.equal(name(`${repository}@${DIGEST}`), `${repository}@${DIGEST}`)
    }),
  )
  t.equal(parseImageRef(`app:1@${DIGEST}`).tag, '1', 'though it is known what it was')
  t.equal(parseImageRef(`app@${DIGEST}`).tag, undefined)
})

t.test('parses what it prints, and loses nothing but a tag beside a digest', async t => {
  fc.assert(
    fc.property(fc.option(registry), components, suffix, (where, path, end) => {
      fc.pre(where !== null || !looksLikeHost(path))
      const parsed = parseImageRef(`${where === null ? '' : `${where}/`}${path.join('/')}${end}`)
      const expected: ImageRef = parsed.digest === undefined ? parsed : { ...parsed, tag: undefined }
      t.strictSame(parseImageRef(nameOf(parsed)), expected)
    }),
  )
})

t.test('what it accepts, it reads as it was written', async t => {
  fc.assert(
    fc.property(registry, components, tag, (where, path, text) => {
      t.strictSame(parseImageRef(`${where}/${path.join('/')}:${text}@${DIGEST}`), {
        kind: 'image-ref',
        registry: where,
        repository: path.join('/'),
        tag: text,
        digest: DIGEST,
      })
    }),
  )
})

t.test('a first component is a registry exactly where Docker takes it for one', async t => {
  t.equal(name('localhost/app'), 'localhost/app:latest')
  t.equal(name('host/app'), 'index.docker.io/host/app:latest')
  t.equal(name('host.example/app'), 'host.example/app:latest')
  t.equal(name('host:5000/app'), 'host:5000/app:latest')
  t.equal(name('localhost:5000'), 'index.docker.io/library/localhost:5000')
  t.equal(name('docker.io:5000/app'), 'docker.io:5000/app:latest')
  t.equal(name('[::1]:5000/app'), '[::1]:5000/app:latest')
})

t.test('refuses what one reader takes for one image and another for another', async t => {
  const texts = [
    'ghcr.іo/org/app',
    'ghcr.io/org/аpp',
    '\u212aghcr.io/org/app',
    'ghcr.io\u200b/org/app',
    'ｇhcr.io/org/app',
    'ghcr.io./org/app',
    '.ghcr.io/org/app',
    'ghcr..io/org/app',
    '-ghcr.io/org/app',
    'ghcr-.io/org/app',
    'user@ghcr.io/org/app',
    'user:pass@ghcr.io/org/app',
    'https://ghcr.io/org/app',
    'ghcr.io//org/app',
    'ghcr.io/org//app',
    '/org/app',
    'org/app/',
    'ghcr.io\\org\\app',
    'ghcr.io/org/%61pp',
    'ghcr.io/org/../app',
    'ghcr.io/org/./app',
    'ghcr.io/Org/app',
    'ghcr.io/org/app?tag=1',
    'ghcr.io/org/app#1',
    'ghcr.io/org/app ',
    ' ghcr.io/org/app',
    'ghcr.io/org/app\n',
    'ghcr.io/org/app\0',
    'ghcr.io/org/___app',
    'ghcr.io/org/a___b',
    'ghcr.io/org/a..b',
    'ghcr.io/org/app-',
    'ghcr.io:0/org/app',
    'ghcr.io:00443/org/app',
    'ghcr.io:65536/org/app',
    'ghcr.io:/org/app',
    'ghcr.io:443:443/org/app',
    'ghcr.io:port/org/app',
    '[::1/org/app',
    '[::g]/org/app',
    '[::1]x/org/app',
    'app:',
    'app:.dot',
    'app:-dash',
    'app:ümlaut',
    'app:1:2',
    'app@',
    'app@latest',
    `app@sha512:${'ab'.repeat(64)}`,
    `app@${DIGEST.toUpperCase()}`,
    `app@${DIGEST.slice(0, -1)}`,
    `app@${DIGEST}@${DIGEST}`,
    `app@${DIGEST}:1`,
    `@${DIGEST}`,
    ':1',
  ]
  for (const text of texts) t.throws(() => parseImageRef(text), InputError, JSON.stringify(text))
})

t.test('says of what it refuses which part cannot be, and of a password nothing', async t => {
  const cases: readonly [string, string][] = [
    ['https://ghcr.io/org/app', 'expected no scheme before the registry, got "https://"'],
    ['https://user:hunter2@ghcr.io/org/app', 'expected no scheme before the registry, got "https://"'],
    ['docker://nginx', 'expected no scheme before the registry, got "docker://"'],
    ['user:hunter2@ghcr.io/org/app', 'expected no user name before the registry'],
    ['user@ghcr.io:5000/app', 'expected no user name before the registry'],
    ['ghcr.io/Org/app', '"Org" is not a part of a repository name, whose letters are lower-case'],
    ['ghcr.io/org/%61pp', '"%61pp" is not a part of a repository name'],
    ['ghcr.io./org/app', '"ghcr.io." is not the name of a registry'],
    ['ghcr.\u0456o/org/app', '"ghcr.\u0456o" is not the name of a registry'],
    ['ghcr.io:65536/app', '"65536" is not a port'],
    ['ghcr.io/app:-x', '"-x" is not a tag'],
    ['host:443/app', '"host:443" needs a dot, or a port other than 443, to be a registry'],
    ['app@sha256:../../x', 'expected sha256: and 64 lower-case hex digits, got "sha256:../../x"'],
    [`app@${DIGEST.toUpperCase()}`, `expected sha256: and 64 lower-case hex digits, got "${DIGEST.toUpperCase()}"`],
  ]
  for (const [text, message] of cases) t.throws(() => parseImageRef(text), { name: 'InputError', message }, text)
})

t.test('what a node may take for the ID of an image that it has is no reference', async t => {
  const hex = 'ab'.repeat(32)
  for (const text of [hex, `sha256:${hex}`, `sha512:${hex}${hex}`])
    t.throws(() => parseImageRef(text), /which may be the ID of one on a node/, text)
  for (const text of [`${hex}:v1`, `library/${hex}`, `app:${hex}`, `sha256:${hex}@${DIGEST}`, hex.slice(1)])
    t.ok(parseImageRef(text), text)
})

t.test('refuses what is no text', async t => {
  for (const value of [undefined, null, '', 1, {}, ['nginx']]) t.throws(() => parseImageRef(value), InputError)
})

t.test('a tag has at most 128 characters, a name at most 255, a text no more than both and a digest', async t => {
  t.ok(parseImageRef(`app:${'a'.repeat(128)}`))
  t.throws(() => parseImageRef(`app:${'a'.repeat(129)}`), InputError)
  const path = 'a'.repeat(255 - 'ghcr.io/'.length)
  t.ok(parseImageRef(`ghcr.io/${path}`))
  t.throws(() => parseImageRef(`ghcr.io/${path}a`), { message: /at most 255 characters, got 256/ })
  t.ok(parseImageRef(`ghcr.io/${path}:${'b'.repeat(128)}@${DIGEST}`))
  t.throws(() => parseImageRef(`ghcr.io/${path}:${'b'.repeat(129)}@${DIGEST}`), {
    message: /at most 456 characters, got 457/,
  })
})

t.test('whatever the text, it is a reference or an InputError, and soon', async t => {
  const piece = fc.constantFrom(
    '/',
    ':',
    '@',
    '.',
    '-',
    '_',
    '[',
    ']',
    'a',
    'Z',
    '0',
    'docker.io',
    DIGEST,
    'sha256:',
    'é',
  )
  const text = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map(pieces => pieces.join('')),
    anyText(),
  )
  fc.assert(
    fc.property(text, one => {
      try {
        return nameOf(parseImageRef(one)).length > 0
      } catch (error) {
        return error instanceof InputError
      }
    }),
    { numRuns: 1000 },
  )
})

t.test('a registry that only its case tells from a path of Docker Hub is refused', async t => {
  for (const text of ['MYHOST/app:1', 'Acme/app', 'A/b/c@sha256:'.concat('0'.repeat(64))])
    t.throws(() => parseImageRef(text), /needs a dot, or a port other than 443/, text)
  t.equal(parseImageRef('MYHOST:5000/app').registry, 'myhost:5000')
  t.equal(parseImageRef('LOCALHOST/app').registry, 'localhost')
})

t.test('every spelling of one IPv6 address is one registry', async t => {
  const spellings = ['[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[0:0::1]']
  t.strictSame(new Set(spellings.map(host => parseImageRef(`${host}:5000/app`).registry)), new Set(['[::1]:5000']))
  for (const host of ['[1::2::3]', '[::1', '[:::]', '[12345::]', '[::0.0.0.1]', '[fe80::1%25eth0]'])
    t.throws(() => parseImageRef(`${host}:5000/app`), InputError, host)
})

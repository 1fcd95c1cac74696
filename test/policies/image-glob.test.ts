import * as fc from 'fast-check'
import t from 'tap'
import { digestOf } from '#core/domain/digest.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { isAccepted, stepsOf } from '#policies/glob-automaton.ts'
import { isImageMatched, isNameMatched, parseImageGlob } from '#policies/image-glob.ts'

const DIGEST = digestOf(Buffer.from('an image'))
const OTHER_DIGEST = digestOf(Buffer.from('another image'))

function isMatched(glob: string, image: string): boolean {
  return isImageMatched(parseImageGlob(glob), parseImageRef(image))
}

t.test('matches the normalised name, whole, with stars that do and do not cross a slash', async t => {
  const pinned: readonly (readonly [string, string, boolean])[] = [
    ['**', `ghcr.io/org/app@${DIGEST}`, true],
    ['ghcr.io/org/*', `ghcr.io/org/app@${DIGEST}`, true],
    ['ghcr.io/org/*', `ghcr.io/org/team/app@${DIGEST}`, false],
    ['ghcr.io/org/**', `ghcr.io/org/team/app@${DIGEST}`, true],
    ['ghcr.io/*/app@*', `ghcr.io/org/app@${DIGEST}`, true],
    ['ghcr.io/org/***', `ghcr.io/org/team/app@${DIGEST}`, true],
    ['ghcr.io/org/app@*', `ghcr.io/org/app@${DIGEST}`, true],
    ['ghcr.io/org/app@*', `ghcr.io/org/app-evil@${DIGEST}`, false],
    [`ghcr.io/org/app@${DIGEST}`, `ghcr.io/org/app@${DIGEST}`, true],
    [`ghcr.io/org/app@${OTHER_DIGEST}`, `ghcr.io/org/app@${DIGEST}`, false],
    ['ghcr.io/org/app', `ghcr.io/org/app@${DIGEST}`, false],
    ['ghcr.io/org', `ghcr.io/org/app@${DIGEST}`, false],
    ['hcr.io/org/**', `ghcr.io/org/app@${DIGEST}`, false],
    ['ghcr.io/**', `ghcr.io.evil/app@${DIGEST}`, false],
    ['ghcr.io/**', `ghcraio/app@${DIGEST}`, false],
    ['ghcr.io/org/**', `ghcr.io/org-evil/app@${DIGEST}`, false],
    ['ghcr.io/org/**', `GHCR.io:443/org/app:v1@${DIGEST}`, true],
    ['127.0.0.1:5000/**', `127.0.0.1:5000/app@${DIGEST}`, true],
  ]
  for (const [glob, image, expected] of pinned) t.equal(isMatched(glob, image), expected, `${glob} and ${image}`)
})

t.test('reads the two shorthands of the reference as Docker Hub, and nothing else', async t => {
  t.ok(isMatched('*', `nginx@${DIGEST}`))
  t.notOk(isMatched('*', `someone/nginx@${DIGEST}`))
  t.notOk(isMatched('*', `ghcr.io/nginx@${DIGEST}`))
  t.ok(isMatched('*/*', `someone/nginx@${DIGEST}`))
  t.ok(isMatched('*/*', `nginx@${DIGEST}`), 'library is somebody too')
  t.notOk(isMatched('*/*', `ghcr.io/nginx@${DIGEST}`))
  t.notOk(isMatched('*/nginx@*', `nginx@${DIGEST}`), 'only the shorthand itself is rewritten')
})

t.test('sees one image behind all its spellings', async t => {
  for (const spelling of ['nginx', 'library/nginx', 'docker.io/nginx', 'index.docker.io/library/nginx', 'nginx:1.27'])
    t.ok(isMatched('index.docker.io/library/nginx@*', `${spelling}@${DIGEST}`), spelling)
  for (const glob of ['nginx', 'nginx*', 'nginx@*', 'library/nginx@*', 'docker.io/**', 'docker.io/library/nginx@*'])
    t.notOk(isMatched(glob, `nginx@${DIGEST}`), glob)
})

t.test('drops the tag of an image that has a digest', async t => {
  t.notOk(isMatched('ghcr.io/org/app:v1', `ghcr.io/org/app:v1@${DIGEST}`))
  t.notOk(isMatched('ghcr.io/org/app:v1*', `ghcr.io/org/app:v1@${DIGEST}`))
  t.notOk(isMatched('ghcr.io/org/app:**', `ghcr.io/org/app:v1@${DIGEST}`))
})

t.test('matches an image named by tag by that name', async t => {
  t.ok(isMatched('ghcr.io/org/app:v1*', 'ghcr.io/org/app:v1.2'))
  t.notOk(isMatched('ghcr.io/org/app:v1*', 'ghcr.io/org/app:v2'))
  t.ok(isMatched('ghcr.io/org/app:latest', 'ghcr.io/org/app'))
})

t.test(
  'matches an image named by tag wherever the digest behind the tag might match, so that a tag evades nothing',
  async t => {
    for (const glob of [
      'ghcr.io/org/app@*',
      'ghcr.io/org/app@sha256:*',
      `ghcr.io/org/app@${DIGEST}`,
      'ghcr.io/org/app@**',
    ]) {
      t.ok(isMatched(glob, 'ghcr.io/org/app:v1'), glob)
      t.notOk(
        isNameMatched(parseImageGlob(glob), parseImageRef('ghcr.io/org/app:v1')),
        `${glob}: the name itself is not matched`,
      )
      t.notOk(isMatched(glob, 'ghcr.io/org/other:v1'), `${glob}: another repository`)
    }
    for (const glob of ['ghcr.io/org/app:v1', 'ghcr.io/org/app@sha512:*', 'ghcr.io/org/app@sha256:XYZ*'])
      t.notOk(isMatched(glob, 'ghcr.io/org/app:v2'), `${glob} matches no digest at all`)
  },
)

t.test('a tag is matched by every glob that matches the image pinned', async () => {
  const globs = fc.array(fc.constantFrom('r.io', '/', 'a', '*', '**', '@', 'sha256:', '0', 'f', '.'), {
    minLength: 1,
    maxLength: 7,
  })
  fc.assert(
    fc.property(
      globs,
      fc.constantFrom('r.io/a', 'r.io/a/a', 'r.io/a.a'),
      fc.uint8Array(),
      (parts, repository, bytes) => {
        const glob = parts.join('')
        fc.pre(isMatched(glob, `${repository}@${digestOf(bytes)}`))
        return isMatched(glob, `${repository}:v1`)
      },
    ),
  )
})

t.test('agrees with the regular expression that the reference would compile', async () => {
  const text = (alphabet: readonly string[], maxLength: number) =>
    fc.array(fc.constantFrom(...alphabet), { maxLength }).map(parts => parts.join(''))
  const globs = text(['a', 'b', '.', '/', ':', '@', '*', '**'], 8)
  const names = text(['a', 'b', '.', '/', ':', '@'], 8)
  fc.assert(
    fc.property(globs, names, (glob, name) => {
      const source = glob.replaceAll('.', '\\.').replaceAll('**', '#').replaceAll('*', '[^/]*').replaceAll('#', '.*')
      return isAccepted(stepsOf(glob), name) === new RegExp(`^${source}$`).test(name)
    }),
    { numRuns: 3000 },
  )
})

t.test('takes no longer for a glob that was made to take long', async t => {
  const image = parseImageRef(`r.io/${'a'.repeat(200)}@${DIGEST}`)
  const began = performance.now()
  t.notOk(isImageMatched(parseImageGlob(`r.io/${'*a'.repeat(500)}b`), image))
  t.notOk(isImageMatched(parseImageGlob(`r.io/${'**a'.repeat(300)}b`), image))
  t.notOk(
    isImageMatched(
      parseImageGlob(`${'*'.repeat(1023)}b`),
      parseImageRef(`r.io/${'a'.repeat(200)}@${DIGEST.slice(0, -1)}0`),
    ),
  )
  t.ok(performance.now() - began < 2000, 'all three within two seconds')
})

t.test('refuses what is no glob, in the words of the reference', async t => {
  const refusals: Readonly<Record<string, string>> = {
    'ghcr.io/[org': 'glob is invalid: syntax error in pattern',
    'ghcr.io/[]': 'glob is invalid: syntax error in pattern',
    'ghcr.io/[^]a]': 'glob is invalid: syntax error in pattern',
    'ghcr.io/[a-]': 'glob is invalid: syntax error in pattern',
    'ghcr.io/[-a]': 'glob is invalid: syntax error in pattern',
    'ghcr.io/app\\': 'glob is invalid: syntax error in pattern',
    'ghcr.io/[ab]': 'glob is invalid: invalid glob "ghcr.io/[ab]"',
    'ghcr.io/[!a-c]': 'glob is invalid: invalid glob "ghcr.io/[!a-c]"',
    'ghcr.io/[^a]': 'glob is invalid: invalid glob "ghcr.io/[^a]"',
    'ghcr.io/\\*': 'glob is invalid: invalid glob "ghcr.io/\\\\*"',
    'ghcr.io/a]': 'glob is invalid: invalid glob "ghcr.io/a]"',
    'ghcr.io/org?': 'glob is invalid: invalid glob "ghcr.io/org?"',
    'ghcr.io/{a,b}': 'glob is invalid: invalid glob "ghcr.io/{a,b}"',
    'ghcr.io/a b': 'glob is invalid: invalid glob "ghcr.io/a b"',
    'ghcr.io/a\n': 'glob is invalid: invalid glob "ghcr.io/a\\n"',
    'ghcr.\u0456o/a': 'glob is invalid: invalid glob "ghcr.\u0456o/a"',
    '': 'glob is invalid: invalid glob ""',
  }
  for (const [glob, message] of Object.entries(refusals))
    t.throws(() => parseImageGlob(glob), new InputError(message), glob)
})

t.test('bounds the length of a glob, and chooses its message without going back', async t => {
  t.doesNotThrow(() => parseImageGlob(`r.io/${'a'.repeat(1019)}`))
  t.throws(() => parseImageGlob(`r.io/${'a'.repeat(1020)}`), { message: /at most 1024 characters, got 1025/ })
  const began = performance.now()
  t.throws(() => parseImageGlob(`${'[^a-b]'.repeat(170)}\\`), { message: /syntax error/ })
  t.ok(performance.now() - began < 1000)
})

t.test('warns of globs that never match', async t => {
  const never: Readonly<Record<string, RegExp>> = {
    nginx: /never matches as it is written.*write index\.docker\.io\/library\/nginx$/,
    'nginx*': /write index\.docker\.io\/library\/nginx\*$/,
    'library/nginx@*': /write index\.docker\.io\/library\/nginx@\*$/,
    'someone/*': /write index\.docker\.io\/someone\/\*$/,
    'docker.io/nginx@*': /write index\.docker\.io\/library\/nginx@\*$/,
    'docker.io/**': /write index\.docker\.io\/\*\*$/,
    'registry-1.docker.io/org/*': /write index\.docker\.io\/org\/\*$/,
    'index.docker.io/nginx@*': /write index\.docker\.io\/library\/nginx@\*$/,
    'GHCR.io/org/**': /write ghcr\.io\/org\/\*\*$/,
    'ghcr.io:443/org/**': /write ghcr\.io\/org\/\*\*$/,
    'https://ghcr.io/org/**': /does not begin with the name of a registry/,
    'ghcr.io/org/app:v1':
      /^never matches an image that is named by digest, whose tag is dropped: write @\* instead of the tag "v1"$/,
    'ghcr.io/org/app:**': /instead of the tag "\*\*"/,
    'ghcr.io/org/app': /^never matches an image that is named by digest, in lower case: end it with @\*/,
    'ghcr.io/Org/app@*': /in lower case/,
  }
  for (const [glob, warning] of Object.entries(never)) t.match(parseImageGlob(glob).warnings[0] ?? '', warning, glob)
})

t.test(
  'says all that is wrong with a glob, and nothing of what would be right once it is spelt as it should be',
  async t => {
    t.equal(parseImageGlob('nginx@*').warnings.length, 1)
    t.equal(parseImageGlob('docker.io/**').warnings.length, 1)
    t.strictSame(parseImageGlob('nginx:1.27').warnings, [
      'never matches as it is written, because the names of images are normalised first: write index.docker.io/library/nginx:1.27',
      'never matches an image that is named by digest, whose tag is dropped: write @* instead of the tag "1.27"',
    ])
  },
)

t.test('warns of globs that match more than they seem to', async t => {
  const more: Readonly<Record<string, RegExp>> = {
    'ghcr.io/org*': /such as ghcr\.io\/org-evil: write ghcr\.io\/org\/\*\* for what lies under it, ghcr\.io\/org@\*/,
    'ghcr.io/org*/**': /such as ghcr\.io\/org-evil/,
    'ghcr.io/org/app**': /such as ghcr\.io\/org\/app-evil/,
    'ghcr.io**': /such as ghcr\.io-evil: write ghcr\.io\/\*\* for what lies under it$/,
  }
  for (const [glob, warning] of Object.entries(more)) t.match(parseImageGlob(glob).warnings.join('\n'), warning, glob)
  t.strictSame(parseImageGlob('*').warnings, ['means index.docker.io/library/*: write ** for every image'])
})

t.test('has nothing to say of globs that do what they seem to', async t => {
  const good = [
    '**',
    'ghcr.io/**',
    'ghcr.io/org/*',
    'ghcr.io/org/app@*',
    'ghcr.io/org/app@sha256:*',
    `ghcr.io/org/app@${DIGEST}`,
    'index.docker.io/library/nginx@*',
    'index.docker.io/**',
    '127.0.0.1:5000/**',
    'localhost/app@*',
    '*.example.com/**',
    '**/app@*',
  ]
  for (const glob of good) t.strictSame(parseImageGlob(glob).warnings, [], glob)
})

t.test('a glob that is said never to match an image named by digest matches none', async () => {
  const globs = fc.array(fc.constantFrom('r.io/', 'a', '*', '**', '@', 'sha256', ':', '/'), {
    minLength: 1,
    maxLength: 7,
  })
  fc.assert(
    fc.property(globs, fc.constantFrom('r.io/a', 'r.io/a/a', 'a'), fc.uint8Array(), (parts, repository, bytes) => {
      const glob = parseImageGlob(parts.join(''))
      fc.pre(glob.warnings.some(warning => warning.includes('never matches')))
      return !isImageMatched(glob, parseImageRef(`${repository}@${digestOf(bytes)}`))
    }),
    { numRuns: 2000 },
  )
})

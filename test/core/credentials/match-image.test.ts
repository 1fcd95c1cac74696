import fc from 'fast-check'
import t from 'tap'
import { parseGoDuration } from '#core/credentials/go-duration.ts'
import { imageNameOf, matchesImage, parseImagePattern } from '#core/credentials/match-image.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'

const matches = (pattern: string, image: string) => matchesImage(parseImagePattern(pattern), parseImageRef(image))

/** Pattern, image, and whether a kubelet asks the provider for it. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ['123456789012.dkr.ecr.*.amazonaws.com', '123456789012.dkr.ecr.us-east-1.amazonaws.com/app', true],
  ['*.dkr.ecr.*.amazonaws.com', '123456789012.dkr.ecr.us-east-1.amazonaws.com/app', true],
  ['*.dkr.ecr.*.amazonaws.com', '123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.test/app', false],
  ['*.azurecr.io', 'acme.azurecr.io/app', true],
  ['*.azurecr.io', 'a.b.azurecr.io/app', false],
  ['*.azurecr.io', 'azurecr.io/app', false],
  ['*.io', 'x.k8s.io/app', false],
  ['app*.k8s.io', 'app1.k8s.io/app', true],
  ['app*.k8s.io', 'ap.k8s.io/app', false],
  ['k8s.*', 'k8s.io/app', true],
  ['*.*.r.test', 'a.b.r.test/app', true],
  ['a?c.test', 'abc.test/app', true],
  ['a?c.test', 'ac.test/app', false],
  ['gcr.io', 'gcr.io/acme/app', true],
  ['gcr.io', 'eu.gcr.io/acme/app', false],
  ['cr.io', 'ghcr.io/acme/app', false],
  ['ghcr.io', 'ghcr.io.evil/acme/app', false],
  ['ghcr.io', 'ghcr.io:444/acme/app', false],
  ['ghcr.io', 'ghcr.io:443/acme/app', true],
  ['r.test:5000', 'r.test:5000/app', true],
  ['r.test:5000', 'r.test:5001/app', false],
  ['r.test:5000', 'r.test/app', false],
  ['r.test', 'r.test:5000/app', false],
  ['r.test/acme', 'r.test/acme/app', true],
  ['r.test/acme/app', 'r.test/acme/app:v1', true],
  ['r.test/acme', 'r.test/other/app', false],
  // A prefix of the text and not of its parts, as a kubelet has it: the credential goes to the same registry all the same.
  ['r.test/acme', 'r.test/acme-two/app', true],
  ['docker.io', 'nginx', true],
  ['docker.io/library', 'nginx', true],
  ['index.docker.io', 'nginx', false],
  ['*', 'localhost/app', true],
  ['*', 'r.test/app', false],
]

t.test('a pattern is for the images that a kubelet takes it for', async t => {
  for (const [pattern, image, expected] of CASES) t.equal(matches(pattern, image), expected, `${pattern} ${image}`)
})

t.test('what is no pattern, or has globs where there are none, is refused', async t => {
  const wrong = [
    '',
    'https://r.test',
    'R.test',
    'r.test:*',
    'r.test:0',
    'r.test/*',
    'r.test/a?',
    '[a-z].test',
    'a\\*.test',
    'u@r.test',
    'r.test ',
    'a'.repeat(513),
  ]
  for (const text of wrong) t.throws(() => parseImagePattern(text), InputError, text)
  t.ok(parseImagePattern('a'.repeat(512)))
})

t.test('the image is told without tag and digest, and by the short name of Docker Hub', async t => {
  t.equal(imageNameOf(parseImageRef('nginx:1.27')), 'docker.io/library/nginx')
  t.equal(imageNameOf(parseImageRef(`r.test:5000/a/b@sha256:${'0'.repeat(64)}`)), 'r.test:5000/a/b')
})

t.test('a label is matched as the expression that it stands for would, in no time', async t => {
  const label = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 })
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(glob, label, (glob, label) => {
      const expression = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`)
      return matches(`${glob}.test`, `${label}.test/app`) === expression.test(label)
    }),
  )
  const before = performance.now()
  t.equal(matches(`${'*a'.repeat(200)}b.test`, `${'a'.repeat(200)}.test/app`), false)
  t.ok(performance.now() - before < 200)
})

t.test('durations are read as Go writes them', async t => {
  const cases: readonly (readonly [string, number])[] = [
    ['12h', 43_200_000],
    ['12h0m0s', 43_200_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['300ms', 300],
    ['0s', 0],
    ['0', 0],
  ]
  for (const [text, ms] of cases) t.equal(parseGoDuration(text), ms, text)
  for (const text of ['', '12', '-1h', '1d', 'h', '1h ', '1 h', '+1h', '1e3s', '1h'.repeat(60)])
    t.throws(() => parseGoDuration(text), InputError, text)
})

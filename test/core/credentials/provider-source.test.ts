import fc from 'fast-check'
import t from 'tap'
import { parseProviderAnswer } from '#core/credentials/provider-answer.ts'
import { parseProviderConfig } from '#core/credentials/provider-config.ts'
import { makeProviderSource } from '#core/credentials/provider-source.ts'
import { makeRunProgram } from '#core/credentials/run-program.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'
import { patience } from '../registry/make-client.ts'
import { makePrograms, says } from './make-programs.ts'

const API = 'credentialprovider.kubelet.k8s.io/v1'
const none = parseRegistries({ registries: [] }, () => '')
const programs = makePrograms(t)
let nowMs = 0

const provider = (name: string, more: object = {}) => ({
  name,
  matchImages: ['*.r.test', '*.r.test:5000'],
  defaultCacheDuration: '10m',
  apiVersion: API,
  ...more,
})
const document = (...providers: readonly object[]) => ({
  apiVersion: 'kubelet.config.k8s.io/v1',
  kind: 'CredentialProviderConfig',
  providers,
})
const answer = (auth: object | null, more: object = {}) => ({
  kind: 'CredentialProviderResponse',
  apiVersion: API,
  cacheKeyType: 'Registry',
  auth,
  ...more,
})
const bob = { username: 'bob', password: 'hunter2' }

function sourceOf(...providers: readonly object[]) {
  const deps = {
    folder: programs.folder,
    run: makeRunProgram(),
    environment: { PATH: '/usr/bin:/bin' },
    nowMs: () => nowMs,
  }
  return makeProviderSource(parseProviderConfig(document(...providers)), deps)
}

function offersFor(source: ReturnType<typeof sourceOf>, image: string) {
  const ref = parseImageRef(image)
  return source(registryOf(none, ref.registry), ref, () => Promise.reject(new Error('nobody talks here')))
}

async function heldFor(source: ReturnType<typeof sourceOf>, image: string): Promise<readonly string[]> {
  const held: string[] = []
  for (const { open } of offersFor(source, image)) {
    try {
      for (const one of await open(patience))
        held.push(one.kind === 'password' ? `${one.username}:${one.password}` : '')
    } catch (error) {
      if (!(error instanceof Unavailable) || error.code !== 'registry.unauthorized') throw error
      held.push(error.message)
    }
  }
  return held
}

function complaint(value: unknown): string {
  try {
    parseProviderConfig(value)
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
  return 'accepted'
}

t.test('a provider is run as a kubelet runs it: arguments, variables, and the image on its input', async t => {
  programs.write('args', `[ "$1" = get ] && [ "$KEY" = v ] && ${says(answer({ '*.r.test': bob }))}`)
  const source = sourceOf(provider('args', { args: ['get'], env: [{ name: 'KEY', value: 'v' }] }))
  t.strictSame(await heldFor(source, 'a.r.test/acme/app:v1'), ['bob:hunter2'])
  t.strictSame(
    programs.runs('args').map(text => JSON.parse(text)),
    [{ kind: 'CredentialProviderRequest', apiVersion: API, image: 'a.r.test/acme/app' }],
  )
})

t.test('only images that match start it, and all providers that match are asked in the order of the file', async t => {
  programs.write('one', says(answer({ 'a.r.test': { username: 'one', password: 'p' } })))
  programs.write('two', says(answer({ 'a.r.test': { username: 'two', password: 'p' } })))
  const source = sourceOf(provider('two'), provider('one'))
  for (const image of ['r.test/a', 'a.b.r.test/a', 'a.r.test.evil/a', 'a.r.test:444/a', 'evil.test/a.r.test'])
    t.strictSame(offersFor(source, image), [], image)
  t.strictSame(programs.runs('one'), [])
  t.strictSame(await heldFor(source, 'a.r.test/app'), ['two:p', 'one:p'])
})

t.test('of an answer those entries are taken that are for the image, from Z to A', async t => {
  const user = (username: string) => ({ username, password: 'p' })
  programs.write(
    'many',
    says(
      answer({
        '*.r.test': user('glob'),
        'a.r.test': user('host'),
        'https://a.r.test/acme': user('path'),
        'b.r.test': user('other'),
        'a.r.test:5000': user('port'),
      }),
    ),
  )
  t.strictSame(await heldFor(sourceOf(provider('many')), 'a.r.test/acme/app'), ['path:p', 'host:p', 'glob:p'])
  t.strictSame(await heldFor(sourceOf(provider('many')), 'a.r.test/b'), ['host:p', 'glob:p'])
})

t.test('an answer holds for its image, its registry or for all, and for as long as it says', async t => {
  const life = async (cacheKeyType: string, more: object, images: readonly (readonly [string, number])[]) => {
    const name = `cache-${cacheKeyType}-${nowMs}`
    programs.write(name, says(answer({ '*.r.test': bob }, { cacheKeyType, ...more })))
    const source = sourceOf(provider(name))
    const before = nowMs
    for (const [image, afterMs] of images) {
      nowMs = before + afterMs
      await heldFor(source, image)
    }
    return programs.runs(name).map(text => (JSON.parse(text) as { image: string }).image)
  }
  t.strictSame(
    await life('Image', { cacheDuration: '1m' }, [
      ['a.r.test/a', 0],
      ['a.r.test/a:v2', 59_999],
      ['a.r.test/b', 59_999],
      ['a.r.test/a', 60_000],
    ]),
    ['a.r.test/a', 'a.r.test/b', 'a.r.test/a'],
  )
  t.strictSame(
    await life('Registry', { cacheDuration: '1m' }, [
      ['a.r.test/a', 0],
      ['a.r.test/b', 1],
      ['b.r.test/a', 2],
      ['a.r.test/c', 60_000],
    ]),
    ['a.r.test/a', 'b.r.test/a', 'a.r.test/c'],
  )
  t.strictSame(
    await life('Global', {}, [
      ['a.r.test/a', 0],
      ['b.r.test/b', 599_999],
      ['b.r.test/b', 600_000],
    ]),
    ['a.r.test/a', 'b.r.test/b'],
    'ten minutes, as the file says',
  )
  t.strictSame(
    await life('Global', { cacheDuration: '0s' }, [
      ['a.r.test/a', 0],
      ['a.r.test/a', 0],
    ]),
    ['a.r.test/a', 'a.r.test/a'],
  )
  t.strictSame(
    await life('Registry', { auth: null, cacheDuration: '1m' }, [
      ['a.r.test/a', 0],
      ['a.r.test/a', 1],
    ]),
    ['a.r.test/a'],
    'that there is none, too',
  )
})

t.test('however many ask at once, a program is run once for what its answer holds for', async t => {
  programs.write('slow', `sleep 0.1; ${says(answer({ '*.r.test': bob }))}`)
  const source = sourceOf(provider('slow', { defaultCacheDuration: '0s' }))
  const images = ['a.r.test/a', 'a.r.test/b', 'a.r.test/c', 'a.r.test/d']
  const ask = () => Promise.all(images.map(image => heldFor(source, image)))
  t.strictSame(
    await ask(),
    images.map(() => ['bob:hunter2']),
    'the first time they wait for one',
  )
  t.equal(programs.runs('slow').length, 1)
  await ask()
  t.equal(programs.runs('slow').length, 2)
  await Promise.all([...images, 'b.r.test/a'].map(image => heldFor(source, image)))
  t.equal(programs.runs('slow').length, 4)
})

t.test('a failure is of its image alone, is not repeated at once, and says nothing of what was written', async t => {
  const failures: readonly (readonly [string, string])[] = [
    ['echo hunter2; exit 4', 'ended with code 4'],
    ['echo hunter2', 'answered with something that is no CredentialProviderResponse'],
    [
      says(answer({ 'r.test': bob }, { kind: 'Other' })),
      'answered with something that is no CredentialProviderResponse',
    ],
    [
      says(answer({}, { apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1' })),
      'answered with something that is no CredentialProviderResponse',
    ],
    [says(answer({}, { cacheKeyType: 'Pod' })), 'answered with something that is no CredentialProviderResponse'],
    [says(answer({}, { cacheDuration: 5 })), 'answered with something that is no CredentialProviderResponse'],
    [
      says(answer({ '*.r.test': { username: 'hunter2' } })),
      'answered with something that is no CredentialProviderResponse',
    ],
  ]
  for (const [script, why] of failures) {
    programs.write('broken', script)
    t.strictSame(
      await heldFor(sourceOf(provider('broken')), 'a.r.test/a'),
      [`credential provider broken ${why}`],
      script,
    )
  }
  programs.write('picky', `case "$INPUT" in *evil*) exit 1;; esac; sleep 0.1; ${says(answer({ '*.r.test': bob }))}`)
  const source = sourceOf(provider('picky'))
  const [evil, good] = await Promise.all([heldFor(source, 'a.r.test/evil'), heldFor(source, 'a.r.test/good')])
  t.match(evil, [/ended with code 1$/])
  t.strictSame(good, ['bob:hunter2'])
  const runs = () => programs.runs('broken').length
  const broken = sourceOf(provider('broken'))
  const before = runs()
  await heldFor(broken, 'a.r.test/a')
  await heldFor(broken, 'a.r.test/a')
  t.equal(runs(), before + 1)
  nowMs += 5000
  await heldFor(broken, 'a.r.test/a')
  t.equal(runs(), before + 2)
})

t.test('a configuration is what a kubelet reads, and what is not understood is refused by name', async t => {
  t.equal(complaint(document(provider('ok', { args: null, env: null }))), 'accepted')
  t.match(complaint({ ...document(provider('p')), apiVersion: 'kubelet.config.k8s.io/v1beta1' }), /^apiVersion: /)
  t.match(complaint({ ...document(provider('p')), kind: 'KubeletConfiguration' }), /^kind: /)
  t.match(complaint(document()), /^providers: /)
  t.match(
    complaint(document(provider('p', { apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1' }))),
    /^providers\[0\]\.apiVersion: /,
  )
  t.match(complaint(document(provider('p', { tokenAttributes: {} }))), /tokenAttributes/)
  for (const more of [{ args: ['a\0'] }, { env: [{ name: 'A=', value: '' }] }, { env: [{ name: 'A', value: '\0' }] }])
    t.match(complaint(document(provider('p', more))), /^providers\[0\]\.(?:args|env)/)
  t.match(complaint(document(provider('p', { matchImages: [] }))), /^providers\[0\]\.matchImages: /)
  t.match(
    complaint(document(provider('p', { matchImages: ['https://r.test'] }))),
    /^providers\[0\]: matchImages\[0\]: expected a lower-case host/,
  )
  t.match(
    complaint(document(provider('p', { defaultCacheDuration: '-1m' }))),
    /^providers\[0\]: defaultCacheDuration: /,
  )
  t.match(complaint(document(provider('p'), provider('p'))), 'p is listed twice')
  for (const name of ['', '.', '..', '../p', '/bin/sh', 'a b', '-p', 'a/b', 'a\0b', 'p'.repeat(129)])
    t.match(complaint(document(provider(name))), /^providers\[0\]: name: expected the name of a program/, name)
  const many = (n: number) => document(...Array.from({ length: n }, (_, index) => provider(`p${index}`)))
  t.equal(complaint(many(32)), 'accepted')
  t.match(complaint(many(33)), /^providers: /)
  for (const nothing of [null, undefined, [], 'x']) t.match(complaint(nothing), /^the configuration: /)
})

t.test('whatever a program writes, it is an answer or none', async t => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map(auth => JSON.stringify(answer(auth as object))),
  )
  fc.assert(
    fc.property(text, text => {
      try {
        return Array.isArray(parseProviderAnswer(Buffer.from(text)).logins)
      } catch (error) {
        return error instanceof InputError
      }
    }),
  )
})

t.test('two providers are two callers, and what one hands out does not change who he is', async t => {
  const names = offersFor(sourceOf(provider('one'), provider('two')), 'a.r.test/a').map(({ name }) => name)
  t.strictSame(names, ['provider:one', 'provider:two'])
})

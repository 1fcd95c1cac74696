import fc from 'fast-check'
import t from 'tap'
import { digestOf } from '#core/domain/digest.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { makeClient, patience, pinned, ref, SIGNATURES } from './make-client.ts'
import { INDEX_TYPE, MANIFEST_TYPE, serve } from './serve.ts'

const BLOB = '{"a":1}'
const descriptor = { mediaType: MANIFEST_TYPE, digest: digestOf(Buffer.from(BLOB)), size: BLOB.length }

const word = fc.constantFrom(
  'schemaVersion',
  'mediaType',
  'layers',
  'manifests',
  'annotations',
  'dev.cosignproject.cosign/signature',
  'digest',
  'size',
  'token',
  'access_token',
  'expires_in',
  '__proto__',
)
const leaf = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(2, 0, -1, 1e15, MANIFEST_TYPE, INDEX_TYPE, descriptor.digest, BLOB.length, descriptor, null),
)
const member = fc.oneof(leaf, fc.array(fc.oneof(leaf, fc.dictionary(word, leaf)), { maxLength: 4 }))
const document = fc.oneof(
  member,
  fc.dictionary(word, member).map(members => ({ schemaVersion: 2, ...members })),
  fc.array(member, { maxLength: 4 }).map(layers => ({ schemaVersion: 2, layers })),
  fc.array(member, { maxLength: 4 }).map(manifests => ({ schemaVersion: 2, manifests })),
)
const text = fc.oneof(
  document.map(value => JSON.stringify(value)),
  fc.constantFrom('', '{', BLOB, '\u0000', '[1e400]', '{"size":12345678901234567}'),
)
const head = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'content-type': MANIFEST_TYPE },
  { 'content-type': INDEX_TYPE },
  { 'content-type': `a/b${';'.repeat(9000)}` },
  { 'content-type': INDEX_TYPE, link: '</v2/a/referrers/next>; rel="next"' },
  { 'content-type': INDEX_TYPE, link: '<'.repeat(9000) },
  { 'content-type': MANIFEST_TYPE, 'docker-content-digest': 'sha256:'.repeat(1000) },
  { 'content-type': MANIFEST_TYPE, 'content-encoding': 'gzip' },
)
const answer = fc.record({ status: fc.constantFrom(200, 200, 200, 404, 401, 500), head, text })

t.test(
  'whatever a registry and its token service answer, it is a refusal, a silence or what was asked for',
  async t => {
    const answers: { status: number; head: Readonly<Record<string, string>>; text: string }[] = []
    let asked = 0
    const { host } = await serve(t, (_request, response) => {
      const { status, head, text } = answers[asked++ % answers.length] as (typeof answers)[number]
      const challenge = status === 401 ? { 'www-authenticate': `Bearer realm="http://${host}/token"` } : {}
      response.writeHead(status, { ...head, ...challenge }).end(text)
    })
    const image = pinned(host, 'a', `sha256:${'a'.repeat(64)}`)
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 12 }), async chosen => {
        answers.splice(0, answers.length, ...chosen)
        const client = makeClient(t, [{ host, plainHttp: true }])
        const { manifest, places } = client.discover(image, SIGNATURES, patience)
        const outcomes = [await manifest, ...(await Promise.all(places))]
        const resolved = await client.resolve(ref(host, 'a:v'), patience).catch((error: unknown) => error)
        t.equal(outcomes.length, 3)
        return typeof resolved === 'string' || resolved instanceof Unavailable || isRefusal(resolved)
      }),
      { numRuns: 150 },
    )
  },
)

function isRefusal(value: unknown): boolean {
  return (value as { readonly kind?: unknown }).kind === 'refusal'
}

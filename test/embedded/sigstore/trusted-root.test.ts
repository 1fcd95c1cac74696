import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Json } from '#test/embedded/registry/ask.ts'
import { askOf } from '#test/embedded/registry/ask.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { KEYLESS, schemeFor, signNew } from './sign-by-need.ts'
import { trustOf, verifyBundle } from './verify-artefact.ts'

const registry = await startRegistry(t)
const root: Json = await registry.sigstore({ name: 'acme', startsAt: '2026-11-01T00:00:00Z' })

t.test('a trust root has the structure of the recorded one', async t => {
  const recorded = JSON.parse(readFileSync(join(RECORDED_LAYOUTS, '../trusted_root.json'), 'utf8'))
  const ours: Json = await registry.trustedRoot({ sigstore: 'acme', eras: ['current'] })
  const keysOf = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(keysOf)
    return typeof value === 'object' && value !== null
      ? Object.entries(value).map(([key, inner]) => [key, keysOf(inner)])
      : typeof value
  }
  t.strictSame(keysOf(ours), keysOf(recorded))
  const details = (json: Json) => json['tlogs'].map(({ publicKey }: Json) => publicKey.keyDetails)
  t.strictSame(details(ours), details(recorded))
  t.strictSame(ours['tlogs'][1].baseUrl, 'https://rekor.acme.test')
})

t.test('by default it lists what has ended and what is yet to begin as well', async t => {
  const validity = root['certificateAuthorities'].map(({ validFor }: Json) => validFor)
  t.strictSame(validity, [
    { start: '2026-11-01T00:00:00Z' },
    { start: '2025-11-01T00:00:00Z', end: '2026-11-01T00:00:00Z' },
    { start: '2031-10-31T00:00:00Z' },
    { start: '2025-11-01T00:00:00Z' },
  ])
  const lengths = ['tlogs', 'certificateAuthorities', 'ctlogs', 'timestampAuthorities'].map(key => root[key].length)
  t.strictSame(lengths, [8, 4, 4, 4])
})

t.test('another view of the same Sigstore ends the parts that are named, and no others', async t => {
  const image = await signNew(registry, askOf(registry), schemeFor(['rekor2', 'timestamp']))
  t.equal(verifyBundle(trustOf(root), image).subject, KEYLESS.subject)
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString()
  const ended = async (part: string) => {
    const view = await registry.trustedRoot({ sigstore: 'acme', ends: { [part]: hourAgo } })
    return verifyBundle(trustOf(view), image).refused
  }
  t.match(await ended('authority'), /Failed to verify certificate chain/)
  t.match(await ended('ctLog'), /SCT verification failed/)
  t.match(await ended('stamper'), /timestamp could not be verified/)
  t.equal(await ended('rekor1'), undefined)
})

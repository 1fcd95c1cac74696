import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAX_IMAGES } from '#core/gate/plan.ts'
import { REGISTRY_LIMITS } from '#core/registry/limits.ts'
import { MAX_DEPTH, MAX_VALUES } from '#webhook/json-excess.ts'
import { REVIEW_BYTES } from '#webhook/review-body.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'limits.md'), 'utf8')

t.test('docs/limits.md says of every limit on registries what the code says, and of no other', async t => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, size]) => [name, Number(size)])
  t.strictSame(Object.fromEntries(rows), REGISTRY_LIMITS)
})

t.test('docs/limits.md says what the review may be', async t => {
  const most = (what: string) => Number(page.split(`| ${what} | `)[1]?.split(' ')[0])
  t.equal(most('bytes of a review'), REVIEW_BYTES)
  t.equal(most('levels of nesting of a review'), MAX_DEPTH)
  t.equal(most('values in a review'), MAX_VALUES)
  t.equal(most('images of one object'), MAX_IMAGES)
})

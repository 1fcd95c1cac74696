import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAX_IMAGES } from '#core/gate/plan.ts'
import { LOOKUPS, LOOKUPS_EACH } from '#core/gate/seats.ts'
import { FAILURES_IN_A_ROW, OPEN_MS } from '#core/registry/breaker.ts'
import { DEFAULT_RATE } from '#core/registry/budget.ts'
import { MOST_FOLDERS } from '#core/registry/containerd-hosts/hosts-folder.ts'
import { TOML_CHARACTERS } from '#core/registry/containerd-hosts/toml.ts'
import { REGISTRY_LIMITS } from '#core/registry/limits.ts'
import { MOST_MIRRORS } from '#core/registry/mirrors.ts'
import { LONGEST_PAUSE_MS } from '#core/registry/pauses.ts'
import { FREE_BYTES, LARGE_LOOKS } from '#core/registry/room.ts'
import { MOST_NAMES } from '#core/verify/sigstore/certificate/identity.ts'
import { NAME_CHARACTERS, PATTERN_CHARACTERS } from '#core/verify/sigstore/certificate/match-identity.ts'
import { MOST_SCTS } from '#core/verify/sigstore/certificate/sct-list.ts'
import { BODY_BYTES } from '#core/verify/sigstore/log/body.ts'
import { CHECKPOINT_CHARACTERS, MOST_HASHES } from '#core/verify/sigstore/log/decode-entry.ts'
import { MOST_SIGNATURES } from '#core/verify/sigstore/log/signed-note.ts'
import {
  CERTIFICATE_BYTES,
  MOST_CERTIFICATES,
  MOST_ENTRIES,
  MOST_TIMESTAMPS,
  TIMESTAMP_BYTES,
} from '#core/verify/sigstore/material.ts'
import { MAX_DEPTH, MAX_VALUES } from '#webhook/json-excess.ts'
import { REVIEW_BYTES } from '#webhook/review-body.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'limits.md'), 'utf8')

t.test('docs/limits.md says of every limit on registries what the code says, and of no other', async t => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, size]) => [name, Number(size)])
  t.strictSame(Object.fromEntries(rows), REGISTRY_LIMITS)
})

const most = (what: string) => Number(page.split(`| ${what} | `)[1]?.split(' ')[0])

t.test('docs/limits.md says what may come along with a signature', async t => {
  t.strictSame([MOST_ENTRIES, MOST_TIMESTAMPS], [32, most('log entries, timestamps of a bundle')])
  t.equal(most('bytes of the body of a log entry'), BODY_BYTES)
  t.equal(most('hashes of an inclusion proof'), MOST_HASHES)
  t.equal(most('characters of a checkpoint'), CHECKPOINT_CHARACTERS)
  t.equal(most('signatures of a checkpoint'), MOST_SIGNATURES)
  t.equal(most('bytes of a timestamp (the response of its authority)'), TIMESTAMP_BYTES)
  t.equal(most('certificates of a chain, or in a timestamp'), MOST_CERTIFICATES)
  t.equal(most('bytes of a certificate'), CERTIFICATE_BYTES)
  t.equal(most('names in a certificate'), MOST_NAMES)
  t.equal(most('promises of certificate logs in a certificate'), MOST_SCTS)
  t.equal(most('characters of a name that a pattern may fit'), NAME_CHARACTERS)
  t.equal(most('characters of a pattern that is matched'), PATTERN_CHARACTERS)
})

t.test('docs/limits.md says what the review may be', async t => {
  t.equal(most('bytes of a review'), REVIEW_BYTES)
  t.equal(most('levels of nesting of a review'), MAX_DEPTH)
  t.equal(most('values in a review'), MAX_VALUES)
  t.equal(most('images of one object'), MAX_IMAGES)
})

t.test('docs/limits.md says what is sent to a registry, and what all of them may hold', async t => {
  const said = (what: string) => page.split(`| ${what} | `)[1]?.split(' |')[0]
  const { burst, perSecond } = DEFAULT_RATE
  t.equal(said('requests to a host at once, and each second after that'), `${burst}, ${perSecond}`)
  t.equal(most('failures of a host in a row before it is left alone'), FAILURES_IN_A_ROW)
  t.equal(most('milliseconds for which it is then, a fifth more or less'), OPEN_MS)
  t.equal(most('milliseconds of a pause that a registry asks for'), LONGEST_PAUSE_MS)
  t.equal(said('images looked up at once, and of them for one namespace'), `${LOOKUPS}, ${LOOKUPS_EACH}`)
  t.equal(most('bytes that each of them reads'), FREE_BYTES)
  t.equal(most('images of them that may read more at once'), LARGE_LOOKS)
  t.equal(most('mirrors of a registry, hosts of a `hosts.toml`'), MOST_MIRRORS)
  t.equal(most('characters of a `hosts.toml`'), TOML_CHARACTERS)
  t.equal(most("folders in containerd's folder"), MOST_FOLDERS)
})

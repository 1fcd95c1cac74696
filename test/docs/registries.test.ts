import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { REFUSED_FIELDS, TABLE_FIELDS } from '#core/registry/containerd-hosts/host-table.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'registries.md'), 'utf8')
const section = page.split("\n## containerd's hosts.toml\n")[1]?.split('\n## ')[0] ?? ''
const rows = [...section.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, field = '', text = '']) => ({ field, text }))

t.test('docs/registries.md says of every field of a hosts.toml what becomes of it, and of no other', async t => {
  const fields = [...Object.keys(TABLE_FIELDS), ...Object.keys(REFUSED_FIELDS), 'server', 'host']
  t.strictSame(rows.map(({ field }) => field).toSorted(), fields.toSorted())
})

t.test('docs/registries.md calls refused what is refused, and nothing else', async t => {
  const refused = rows.filter(({ text }) => text.startsWith('**refused**')).map(({ field }) => field)
  t.strictSame(refused.toSorted(), Object.keys(REFUSED_FIELDS).toSorted())
})

import { readFileSync } from 'node:fs'
import t from 'tap'
import { errorLine } from '#core/runtime/error-line.ts'
import { readConfig, SETTINGS } from '#reconcilers/config.ts'

const DOCUMENT = readFileSync(new URL('../../reconcilers/config.md', import.meta.url), 'utf8')

t.test('config.md lists every setting with its default, in the order of the code, and says what it is for', async t => {
  const rows = DOCUMENT.split('\n')
    .filter(line => line.startsWith('| `SHEDU_'))
    .map(line => line.split('|').map(cell => cell.trim().replaceAll('`', '')))
  t.strictSame(
    rows.map(([, name, fallback]) => ({ name, fallback: fallback === '' ? undefined : fallback })),
    Object.values(SETTINGS).map(({ name, fallback }) => ({ name, fallback })),
  )
  for (const [, name, , text = ''] of rows) t.ok(text.length > 40, `${name} is explained`)
})

t.test('every default can be used', async t => {
  t.match(readConfig({}), { host: '127.0.0.1', opsPort: 8081, leaseNamespace: 'shedu-system', policiesDir: undefined })
})

t.test('what is no name of a namespace is refused', async t => {
  for (const name of ['', 'A', '-a', 'a-', 'a.b', 'a/b', 'a'.repeat(64)]) {
    const error = t.throws(() => readConfig({ SHEDU_LEASE_NAMESPACE: name }))
    t.match(errorLine(error), /^SHEDU_LEASE_NAMESPACE=.* is not usable: expected the name of a namespace/, name)
  }
  t.match(readConfig({ SHEDU_LEASE_NAMESPACE: 'a'.repeat(63) }), { leaseNamespace: 'a'.repeat(63) })
})

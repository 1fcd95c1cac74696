import { readFileSync } from 'node:fs'
import t from 'tap'
import { errorLine } from '#core/runtime/error-line.ts'
import { readConfig, SETTINGS } from '#webhook/config.ts'

const DOCUMENT = readFileSync(new URL('../../webhook/config.md', import.meta.url), 'utf8')

/** The rows of the table: name, default, and the rest. */
const ROWS = DOCUMENT.split('\n')
  .filter(line => line.startsWith('| `SHEDU_'))
  .map(line => line.split('|').map(cell => cell.trim().replaceAll('`', '')))
  .map(([, name, fallback, ...rest]) => ({ name, fallback, rest: rest.join(' ').trim() }))

function complaint(environment: Record<string, string>): string {
  try {
    readConfig(environment)
  } catch (error) {
    return errorLine(error)
  }
  return 'no complaint'
}

t.test('config.md lists every setting with its default, in the order of the code, and says what it is for', async t => {
  const documented = ROWS.map(({ name, fallback }) => ({ name, fallback: fallback === '' ? undefined : fallback }))
  t.strictSame(
    documented,
    Object.values(SETTINGS).map(({ name, fallback }) => ({ name, fallback })),
  )
  for (const { name, rest } of ROWS) t.ok(rest.length > 40, `${name} is explained`)
})

t.test('every default can be used', async t => {
  t.match(readConfig({}), {
    host: '127.0.0.1',
    port: 8443,
    opsPort: 8080,
    noMatch: 'deny',
    pinScope: 'matched',
    registriesFile: undefined,
    cacheBytes: 64 * 1024 * 1024,
    tlsHosts: ['localhost', '127.0.0.1', '::1'],
  })
})

t.test('a certificate and its key are set together or not at all', async t => {
  t.match(complaint({ SHEDU_TLS_CERT_FILE: 'a' }), /SHEDU_TLS_CERT_FILE and SHEDU_TLS_KEY_FILE together, got one/)
  t.match(complaint({ SHEDU_TLS_KEY_FILE: 'a' }), /together, got one/)
  t.equal(complaint({ SHEDU_TLS_CERT_FILE: 'a', SHEDU_TLS_KEY_FILE: 'b' }), 'no complaint')
})

t.test('the authority of a certificate that was not issued here cannot be written', async t => {
  const files = { SHEDU_TLS_CERT_FILE: 'a', SHEDU_TLS_KEY_FILE: 'b', SHEDU_TLS_CA_OUT: 'c' }
  t.match(complaint(files), /expected no SHEDU_TLS_CA_OUT/)
})

t.test('what images are to be allowed without a policy is one of three words', async t => {
  t.match(
    complaint({ SHEDU_NO_MATCH: 'permit' }),
    'SHEDU_NO_MATCH="permit" is not usable: expected one of deny, warn, allow',
  )
})

t.test('an address with a password in it is refused, and the password is not repeated', async t => {
  const said = complaint({ SHEDU_OTLP_ENDPOINT: 'http://robot:s3cret@collector:4318/v1/traces' })
  t.match(said, /SHEDU_OTLP_ENDPOINT=.* is not usable: expected an address .* without a name and a password$/)
  t.notMatch(said, 's3cret')
  for (const text of ['collector:4318', 'ftp://collector/', '', '/v1/traces'])
    t.match(complaint({ SHEDU_OTLP_ENDPOINT: text }), /is not usable/, text)
  t.equal(complaint({ SHEDU_OTLP_ENDPOINT: 'https://collector.test/v1/traces' }), 'no complaint')
  t.match(complaint({ SHEDU_OTLP_PERCENT: '101' }), /expected 0 to 100/)
})

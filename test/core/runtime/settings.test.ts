import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { errorLine } from '#core/runtime/error-line.ts'
import {
  parseAddress,
  parseBytes,
  parseDays,
  parseHosts,
  parseMs,
  parseOneOf,
  parsePath,
  parsePort,
} from '#core/runtime/setting-values.ts'
import { optional, readSettings, setting } from '#core/runtime/settings.ts'

const TABLE = {
  port: setting('SHEDU_PORT', parsePort, '8443'),
  policiesDir: setting('SHEDU_POLICIES_DIR', parsePath, '/etc/shedu/policies'),
  caOut: optional('SHEDU_TLS_CA_OUT', parsePath),
}

/** The error line that an administrator would read. */
function complaint(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    return error instanceof InputError ? errorLine(error) : 'not an InputError'
  }
  return 'no complaint'
}

t.test('settings come from the environment, and otherwise from their default', async t => {
  t.strictSame(readSettings({ SHEDU_PORT: '0', HOME: '/root', PATH: '' }, TABLE), {
    port: 0,
    policiesDir: '/etc/shedu/policies',
    caOut: undefined,
  })
  t.equal(readSettings({ SHEDU_TLS_CA_OUT: '/ca.pem' }, TABLE).caOut, '/ca.pem')
})

t.test('settings that were read cannot be changed', async t => {
  t.throws(() => Object.assign(readSettings({}, TABLE), { port: 1 }), TypeError)
})

t.test('a value that cannot be used is named with what was expected', async t => {
  t.equal(
    complaint(() => readSettings({ SHEDU_PORT: 'http' }, TABLE)),
    'SHEDU_PORT="http" is not usable: expected 0 to 65535, got "http"',
  )
  t.match(
    complaint(() => readSettings({ SHEDU_POLICIES_DIR: '' }, TABLE)),
    'SHEDU_POLICIES_DIR="" is not usable: expected a path, got ""',
  )
})

t.test('an unknown variable with our prefix is an error that suggests the nearest known one', async t => {
  t.equal(
    complaint(() => readSettings({ SHEDU_POLICY_DIR: '/p' }, TABLE)),
    'SHEDU_POLICY_DIR is not a setting; did you mean SHEDU_POLICIES_DIR?',
  )
  t.match(
    complaint(() => readSettings({ SHEDU_PROT: '1' }, TABLE)),
    'did you mean SHEDU_PORT?',
  )
  t.match(
    complaint(() => readSettings({ SHEDU_TLS_CAOUT: '1' }, TABLE)),
    'did you mean SHEDU_TLS_CA_OUT?',
  )
})

t.test('variables that Kubernetes makes of a Service are told from mistakes of the administrator', async t => {
  const links = { SHEDU_PORT: 'tcp://10.96.0.9:443', SHEDU_SERVICE_HOST: '10.96.0.9', SHEDU_SERVICE_PORT: '443' }
  t.match(
    complaint(() => readSettings(links, TABLE)),
    /SHEDU_SERVICE_HOST.*enableServiceLinks: false/,
  )
})

t.test('each notation takes what it is for, up to its bounds, and refuses the rest', async t => {
  t.strictSame(['0', '65535'].map(parsePort), [0, 65_535])
  t.strictSame(['0', '2147483647'].map(parseMs), [0, 2_147_483_647])
  t.strictSame(['1', '3650'].map(parseDays), [1, 3650])
  t.strictSame(['1', '1Ki', '64Mi', '2Gi'].map(parseBytes), [1, 1024, 67_108_864, 2_147_483_648])
  t.strictSame(['127.0.0.1', '::', '0.0.0.0'].map(parseAddress), ['127.0.0.1', '::', '0.0.0.0'])
  t.strictSame(parseHosts('shedu.shedu-system.svc, 127.0.0.1,::1'), ['shedu.shedu-system.svc', '127.0.0.1', '::1'])
  t.equal(parseOneOf('deny', 'warn')('warn'), 'warn')
  t.equal(parsePath('./x y'), './x y')
  const refused: readonly [(text: string) => unknown, readonly string[]][] = [
    [parsePort, ['65536', '-1', '', ' 80', '8e3', '0x50', '80.5', 'tcp://10.0.0.1:80']],
    [parseMs, ['2147483648', '-1', '10s', '1.5']],
    [parseDays, ['0', '3651']],
    [parseBytes, ['0', '', '64M', '64mi', '-1', '1.5Gi', '9'.repeat(15) + 'Gi']],
    [parseAddress, ['localhost', '', '127.0.0.1:80', '127.1']],
    [parseHosts, ['', 'a,,b', 'A.example', 'a b', '*.example', 'http://a']],
    [parseOneOf('deny', 'warn'), ['allow', '', 'Deny', 'constructor']],
    [parsePath, ['', 'a\0b']],
  ]
  for (const [parse, texts] of refused)
    for (const text of texts) t.throws(() => parse(text), InputError, `${parse.name} ${JSON.stringify(text)}`)
})

t.test('an error is one line with its causes, and a circle of causes ends', async t => {
  const cause = new Error('no such\n  file')
  t.equal(errorLine(new InputError('cannot read "x"', { cause })), 'cannot read "x": no such file')
  t.equal(errorLine('thrown text'), '"thrown text"')
  const circle = new Error('round')
  circle.cause = circle
  t.equal(errorLine(circle), 'round: round: round: round: round')
})

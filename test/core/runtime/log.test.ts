import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { type Log, type LogLevel, logAdmission, makeLog } from '#core/runtime/log.ts'

/** What was logged, after the log has closed. */
async function logged(
  t: { testdir: () => string },
  level: LogLevel,
  write: (log: Log) => void,
): Promise<Record<string, unknown>[]> {
  const file = join(t.testdir(), 'log')
  const { log, close } = makeLog(level, file)
  write(log)
  await close()
  const lines = (await readFile(file, 'utf8')).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Record<string, unknown>)
}

const EVENT = { uid: 'u-1', review: 'validate', outcome: 'allow', ms: 1.5 }

t.test('every line that was written before closing is there after closing', async t => {
  const lines = await logged(t, 'info', log => {
    for (let at = 0; at < 5000; at++) log.info({ at }, 'event')
  })
  t.equal(lines.length, 5000)
  t.match(lines.at(-1), { at: 4999, msg: 'event', level: 'info' })
  t.match(lines[0]?.['time'], /^\d{4}-\d\d-\d\dT/)
})

t.test(
  'one decision is one event: an answer as information, silence as a warning, our failure as an error',
  async t => {
    const lines = await logged(t, 'info', log => {
      logAdmission(log, EVENT)
      logAdmission(log, { ...EVENT, outcome: 'deny', codes: ['image.unsigned'] })
      logAdmission(log, { ...EVENT, outcome: 'undecided' })
      logAdmission(log, { ...EVENT, outcome: 'failed', err: new TypeError('a bug') })
    })
    t.match(lines, [
      { level: 'info', msg: 'admission decided', ...EVENT },
      { level: 'info', outcome: 'deny', codes: ['image.unsigned'] },
      { level: 'warn', outcome: 'undecided' },
      { level: 'error', outcome: 'failed', msg: 'admission failed', err: { name: 'TypeError', message: 'a bug' } },
    ])
  },
)

t.test('an error is told with its stack and its causes, and with nothing else that hangs on it', async t => {
  const request = { headers: { authorization: 'Basic c2VjcmV0' } }
  const inner = Object.assign(new Error('refused'), { request })
  const [line] = await logged(t, 'info', log => {
    log.error({ err: new InputError('cannot read', { cause: inner }) }, 'failed')
  })
  t.match(line, {
    err: { name: 'InputError', message: 'cannot read', stack: /log\.test/, cause: { message: 'refused' } },
  })
  t.notMatch(JSON.stringify(line), 'c2VjcmV0')
})

const NAMES = `authorization Authorization auth cookie Set-Cookie credentials headers key password passwd secret
  clientSecret client_secret token identityToken identity_token access-token registrytoken privateKey private_key body
  .dockerconfigjson`.split(/\s+/)

t.test('secrets are cut out of an event by their names, at every depth', async t => {
  const secrets = Object.fromEntries(NAMES.map(name => [name, { value: 's3cret' }]))
  const lines = await logged(t, 'info', log => {
    log.info({ host: 'ghcr.io', ...secrets }, 'event')
    log.info({ host: 'ghcr.io', images: [{ request: secrets }] }, 'event')
    logAdmission(log, { ...EVENT, ...secrets })
  })
  t.notMatch(JSON.stringify(lines), 's3cret')
  t.match(lines, [{ host: 'ghcr.io', headers: '[cut]' }, { images: [{ request: { cookie: '[cut]' } }] }, EVENT])
})

t.test('secrets are cut out of texts, whatever field they have got into', async t => {
  const token = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"s3cret"}').toString('base64url')}.s3cret`
  const texts = [
    'https://robot:s3cret@ghcr.io/acme/app:v1',
    'https://ghcr.io/token?service=ghcr.io&account=s3cret',
    'Authorization: Bearer s3cret0123',
    'authorization: basic s3cret0123==',
    `expected an identity token, got ${token}`,
    'got {"auths":{"ghcr.io":{"auth":"s3cret"}}}',
    'got {"access_token":"s3cret"}',
  ]
  const lines = await logged(t, 'info', log => {
    for (const text of texts) {
      log.info({ name: text, images: [text], nested: { deep: [text] } }, 'event')
      log.error({ err: new InputError(text, { cause: new Error(text) }) }, 'failed')
      log.error({ err: text }, 'failed')
    }
  })
  t.equal(lines.length, texts.length * 3, 'every line is one line of JSON still')
  t.notMatch(JSON.stringify(lines), 's3cret')
})

t.test('nothing below the level is written', async t => {
  const lines = await logged(t, 'warn', log => {
    log.info({}, 'quiet')
    log.warn({}, 'loud')
  })
  t.match(lines, [{ msg: 'loud' }])
  t.equal(lines.length, 1)
})

t.test('a log that cannot be written ends neither the process nor the wait for its end', async t => {
  const { log, close } = makeLog('info', '/dev/full')
  for (let at = 0; at < 1000; at++) log.info({ at }, 'no space left')
  await new Promise(resolve => setTimeout(resolve, 20))
  log.info({}, 'still none')
  await close()
  t.pass('closed')
})

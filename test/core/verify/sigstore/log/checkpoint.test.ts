import * as fc from 'fast-check'
import type { Test } from 'tap'
import t from 'tap'
import { verifyCheckpoint } from '#core/verify/sigstore/log/checkpoint.ts'
import { MOST_SIGNATURES } from '#core/verify/sigstore/log/signed-note.ts'
import { anyText } from '#test/support/any-text.ts'
import type { LogKey, Note } from './make-log.ts'
import { base64, hashOf, lineOf, makeLog, noteOf } from './make-log.ts'

const root = hashOf(0, Buffer.from('root'))
const made = makeLog('p256', { baseUrl: 'https://rekor.example' })
const { log } = made
const note = (changes?: Note) => noteOf(made, 42, root, changes)

/** A note of any text, signed by the log. */
function noteAround(text: string): string {
  return `${text}\n${lineOf('rekor.example', log.keyHint, made.sign(Buffer.from(text)))}`
}

function notTheLogs(t: Test, changed: string, detail: RegExp | string) {
  t.match(
    verifyCheckpoint(changed, log),
    { kind: 'refusal', code: 'log.invalid', detail },
    JSON.stringify(changed.slice(0, 80)),
  )
}

t.test('a checkpoint gives origin, size and root, whatever key the log has', async t => {
  for (const key of ['p256', 'p384', 'p521', 'rsa', 'ed25519'] satisfies readonly LogKey[]) {
    const made = makeLog(key)
    const found = verifyCheckpoint(noteOf(made, 42, root), made.log)
    t.match(found, { kind: 'checkpoint', origin: 'log.example', size: 42 }, key)
    t.equal(found.kind === 'checkpoint' && base64(found.rootHash), base64(root))
    t.match(verifyCheckpoint(noteOf(made, 42, root), { ...makeLog(key).log, keyHint: made.log.keyHint }), {
      code: 'log.invalid',
    })
  }
})

t.test('Rekor v1 writes behind its name which tree it is', async t => {
  t.match(verifyCheckpoint(note({ origin: 'rekor.example - 2605736670972794746' }), log), { kind: 'checkpoint' })
  for (const tree of [
    ' - ',
    ' - 0',
    ' - 01',
    ' - -1',
    ' - 1x',
    ' -1',
    '-1',
    ' - 1 ',
    ' - 1 - 2',
    ' - 12345678901234567890',
  ])
    notTheLogs(t, note({ origin: `rekor.example${tree}` }), /expected a checkpoint of rekor.example/)
})

t.test('a log with a port in its URL may name itself with it or without', async t => {
  const made = makeLog('p256', { baseUrl: 'http://127.0.0.1:7080/path' })
  for (const name of ['127.0.0.1', '127.0.0.1:7080'])
    t.match(verifyCheckpoint(noteOf(made, 42, root, { origin: name, name }), made.log), { kind: 'checkpoint' }, name)
  const mixed = noteOf(made, 42, root, { origin: '127.0.0.1', name: '127.0.0.1:7080' })
  t.match(verifyCheckpoint(mixed, made.log), { code: 'log.invalid' })
})

t.test('a name that only resembles the log’s is another log', async t => {
  const names = [
    'rekor.exampl',
    'ekor.example',
    'rekor.example.evil',
    'evil-rekor.example',
    'REKOR.example',
    'r',
    'https://rekor.example',
  ]
  for (const name of names) {
    notTheLogs(t, note({ origin: name, name }), /expected a checkpoint of rekor.example/)
    notTheLogs(t, note({ origin: name }), /expected a checkpoint of rekor.example/)
    notTheLogs(t, note({ name }), /expected one signature by rekor.example .*, got 0/)
  }
  t.match(verifyCheckpoint(note(), { ...log, baseUrl: 'no URL' }), { code: 'log.invalid' })
})

t.test('the key hint must be this log’s, although the signature verifies', async t => {
  notTheLogs(t, note({ hint: '00000000' }), new RegExp(`key hint ${log.keyHint}, got 0`))
  t.match(verifyCheckpoint(note(), { ...log, keyHint: '00000000' }), { code: 'log.invalid' })
})

t.test('a signature by another log does not do, however trusted, and neither does one over another text', async t => {
  const other = makeLog('ed25519')
  const text = note().split('\n\n')[0] ?? ''
  const byOther = lineOf('rekor.example', log.keyHint, other.sign(Buffer.from(`${text}\n`)))
  notTheLogs(t, `${text}\n\n${byOther}`, /does not verify with its key/)
  notTheLogs(t, note().replace('\n42\n', '\n43\n'), /does not verify with its key/)
})

t.test('witnesses may sign as well, before the log and behind it', async t => {
  const [text = '', own = ''] = note().split('\n\n')
  const witness = lineOf('witness.example/w1', '01020304', Buffer.alloc(72, 7))
  t.match(verifyCheckpoint(`${text}\n\n${witness}${own}${witness}`, log), { kind: 'checkpoint' })
  t.match(verifyCheckpoint(`${text}\n\n${witness}`, log), { code: 'log.invalid', detail: /got 0/ })
})

t.test('a log that signs twice is refused: of two signatures one might hold and the other be read', async t => {
  const [text = '', own = ''] = note().split('\n\n')
  notTheLogs(t, `${text}\n\n${own}${own}`, /got 2/)
})

t.test('the signatures of a note are bounded', async t => {
  const [text = '', own = ''] = note().split('\n\n')
  const witness = lineOf('witness.example', '01020304', Buffer.alloc(8, 7))
  t.match(verifyCheckpoint(`${text}\n\n${own}${witness.repeat(MOST_SIGNATURES - 1)}`, log), { kind: 'checkpoint' })
  const more = `${text}\n\n${own}${witness.repeat(MOST_SIGNATURES)}`
  t.match(verifyCheckpoint(more, log), {
    code: 'limit.exceeded',
    detail: 'expected at most 100 signatures of a note, got 101',
  })
})

t.test('other lines may stand below the root, as long as they are lines', async t => {
  t.match(verifyCheckpoint(note({ others: ['Timestamp: 1692374735595899989', 'more'] }), log), { kind: 'checkpoint' })
  notTheLogs(t, note({ others: ['', 'more'] }), 'expected no blank line in the checkpoint')
})

t.test('what is no note is refused, whoever signed it', async t => {
  const good = note()
  const broken = [
    '',
    '\n',
    '\n\n',
    good.slice(0, -1),
    `${good}\n`,
    `\n${good}`,
    good.replace('\n\n', '\n'),
    good.replace('\u2014', '-'),
    good.replace('\u2014 ', '\u2014'),
    good.replace('\u2014 ', '\u2014  '),
    good.replaceAll('\n', '\r\n'),
    good.replace('rekor.example', 'rekor\0.example'),
    good.replace('rekor.example', 'rekor\ud800.example'),
    good.replace(/=?=?\n$/, '\n').replace(/.\n$/, '!\n'),
    good.replace(/=?=?\n$/, ' more\n'),
    good.replace(/ \S+\n$/, ' \n'),
    `${good.slice(0, good.lastIndexOf(' '))} ${base64(Buffer.from(log.keyHint, 'hex'))}\n`,
    `${good.slice(0, good.lastIndexOf(' '))}\n`,
  ]
  for (const one of broken) notTheLogs(t, one, /./)
})

t.test(
  'a note is refused that another reader would read otherwise, although the log’s signature in it holds',
  async t => {
    const good = note()
    const text = `rekor.example\n42\n${base64(root)}\n`
    t.match(verifyCheckpoint(noteAround(`${text}more\n`), log), { kind: 'checkpoint' })
    for (const more of ['\0', '\r', '\t', '\x7f']) notTheLogs(t, noteAround(`${text}more${more}\n`), /other characters/)
    // Both are U+FFFD when they are signed.
    for (const more of ['\ud800', '\udfff']) notTheLogs(t, noteAround(`${text}more${more}\n`), /other characters/)
    notTheLogs(t, `${good.slice(0, -1)}x`, /a blank line and signatures/)
    notTheLogs(t, good + lineOf('witness.example', '01020304', Buffer.alloc(0)), /its key hint only/)
    notTheLogs(t, `${good}witness.example\n`, /got another line/)
    notTheLogs(t, `${good}\u2014 witness.example AB==\n`, /canonical base64/)
  },
)

t.test('a signed text that is no checkpoint is refused', async t => {
  const rootText = base64(root)
  for (const size of ['', '0', '042', '-1', '+1', '4e1', '42 ', '0x2a', '9007199254740992', '99999999999999999'])
    notTheLogs(t, noteAround(`rekor.example\n${size}\n${rootText}\n`), 'expected the size of a tree')
  for (const other of ['', rootText.slice(4), `${rootText}AAAA`, rootText.replace('=', ''), ` ${rootText}`])
    notTheLogs(t, noteAround(`rekor.example\n42\n${other}\n`), /root hash in the checkpoint|blank line/)
  notTheLogs(t, noteAround('rekor.example\n'), 'expected the size of a tree')
  notTheLogs(t, noteAround('rekor.example\n42\n'), /root hash/)
  t.match(verifyCheckpoint(noteAround(`rekor.example\n9007199254740991\n${rootText}\n`), log), { kind: 'checkpoint' })
})

t.test('no text makes it throw, and none that the log has not signed is a checkpoint', async t => {
  const good = note()
  const pieces = fc.constantFrom(
    ...good.split(/(?<=[\n ])/),
    '\n',
    '\n\n',
    '\u2014 ',
    'rekor.example',
    '42',
    ' - 7',
    '=',
    '\0',
  )
  const texts = fc.oneof(
    anyText(),
    fc.array(pieces, { maxLength: 12 }).map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(texts, text => {
      if (text !== good) t.match(verifyCheckpoint(text, log), { kind: 'refusal', code: 'log.invalid' })
    }),
    { numRuns: 500 },
  )
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CODES } from '#core/domain/refusal.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const page = read('docs/verification.md')

/** what is checked | rests on | made by | refused with | shown by */
const rows = page
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| what is checked') && !line.startsWith('| ---'))
  .map(line => line.slice(2, -2).split(' | '))

/** The groups of codes that the verifier refuses with. */
const GROUPS = ['signature', 'certificate', 'sct', 'log', 'time', 'attestation']

function quoted(cell = ''): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text ?? [])
}

t.test('docs/verification.md names files and codes that are there', async t => {
  t.ok(rows.length > 50, `${rows.length} checks`)
  for (const [what, source, file, code] of rows) {
    t.ok(source, `${what} rests on something`)
    t.ok(existsSync(join(root, quoted(file)[0] ?? 'nowhere')), `${what}: ${file}`)
    t.ok(Object.hasOwn(CODES, quoted(code)[0] ?? ''), `${what}: ${code}`)
  }
})

t.test('docs/verification.md names tests that are there, by their titles', async t => {
  for (const [what, , , , shown = ''] of rows) {
    for (const test of shown.split('<br>').map(one => /^`([^`]+\.test\.ts)`: “(.+)”$/.exec(one))) {
      const [, name = '', title = ''] = test ?? []
      t.ok(name !== '' && read(name).includes(title), `${what}: ${name}, ${title}`)
    }
  }
})

t.test('docs/verification.md has every code of the verifier', async t => {
  const refused = Object.entries(CODES).filter(([, { kind }]) => kind === 'refused')
  const expected = refused.map(([code]) => code).filter(code => GROUPS.includes(code.split('.')[0] ?? ''))
  const found = new Set(rows.flatMap(row => quoted(row[3])))
  t.strictSame(
    expected.filter(code => !found.has(code)),
    [],
  )
})

t.test('a check is written down once, with its file under the folder that makes it', async t => {
  const checks = rows.map(([what]) => what)
  t.strictSame(checks, [...new Set(checks)])
  for (const [what, , file] of rows) t.match(quoted(file)[0], /^(?:core|policies)\//, `${what}`)
})

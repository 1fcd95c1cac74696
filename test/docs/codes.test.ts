import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CODES } from '#core/domain/refusal.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'codes.md'), 'utf8')

t.test('docs/codes.md says of every code what the table says, and of no other', async t => {
  const documented = [...page.matchAll(/^### ([a-z.-]+)$/gm)].map(match => match[1])
  t.strictSame(documented, Object.keys(CODES))
  for (const [code, { sentence, remedy, kind }] of Object.entries(CODES)) {
    const section = page.split(`### ${code}\n`)[1]?.split('\n### ')[0] ?? ''
    t.ok(section.includes(sentence), `${code}: ${sentence}`)
    t.ok(section.includes(remedy), `${code}: ${remedy}`)
    t.ok(section.includes(kind === 'silent' ? 'Could not tell' : 'Refused'), `${code} is ${kind}`)
  }
})

t.test('every code is provoked by a test', async t => {
  const files = globSync('test/**/*.test.ts', { cwd: root }).filter(file => !file.startsWith('test/docs'))
  const tests = files.map(file => readFileSync(join(root, file), 'utf8')).join('\n')
  const missing = Object.keys(CODES).filter(code => !tests.includes(`'${code}'`) && !tests.includes(`${code}:`))
  t.strictSame(missing, [])
})

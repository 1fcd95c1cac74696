import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'threats.md'), 'utf8')
const [shown = '', unshown = ''] = page.split('\n## Not shown yet\n')

const sectionsOf = (text: string) => text.split('\n### ').slice(1)
const headingOf = (section: string) => section.split('\n')[0] ?? ''
const testsIn = (section: string) =>
  [...section.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, file = '', title = '']) => ({ file, title }))

t.test(
  'docs/threats.md names under each attack at least one test, and each is there, in its file, by its title',
  async t => {
    for (const section of sectionsOf(shown)) {
      const tests = testsIn(section)
      t.ok(tests.length > 0, headingOf(section))
      t.equal((section.match(/^- /gm) ?? []).length, tests.length, `${headingOf(section)}: every point is a test`)
      for (const { file, title } of tests) {
        const path = join(root, file)
        const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
        const isThere = [`'${title.replaceAll("'", String.raw`\'`)}'`, `"${title}"`].some(quoted =>
          text.includes(quoted),
        )
        t.ok(isThere, `${file}: ${title}`)
      }
    }
  },
)

t.test('what is not shown yet says why, and names no test', async t => {
  for (const section of sectionsOf(unshown)) {
    t.strictSame(testsIn(section), [], headingOf(section))
    t.ok(section.length > headingOf(section).length + 40, headingOf(section))
  }
})

t.test('no attack is listed twice', async t => {
  const ids = [...page.matchAll(/^### (.+)$/gm)].flatMap(([, heading = '']) => heading.split(', '))
  t.strictSame(ids, [...new Set(ids)])
})

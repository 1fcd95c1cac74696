import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { isImageMatched, parseImageGlob } from '#policies/image-glob.ts'
import { parsePolicies } from '#policies/load-policies.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'policies.md'), 'utf8')

t.test('every policy on the page is valid, and none of them earns a warning', async t => {
  const examples = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml]) => parse(yaml ?? ''))
  t.equal(examples.length, 4)
  const { policies, warnings } = parsePolicies(
    examples.map((value, index) => ({ source: `example ${index + 1}`, value })),
  )
  t.equal(policies.length, 4)
  t.strictSame(warnings, [])
})

t.test('the table of globs says what the globs do', async t => {
  const digest = `sha256:${'a'.repeat(64)}`
  const matches = (glob: string, image: string) => isImageMatched(parseImageGlob(glob), parseImageRef(image))
  const cases: readonly (readonly [glob: string, image: string, isMatched: boolean])[] = [
    ['ghcr.io/acme/**', `ghcr.io/acme/team/shop@${digest}`, true],
    ['ghcr.io/acme/*@*', `ghcr.io/acme/shop@${digest}`, true],
    ['ghcr.io/acme/*@*', `ghcr.io/acme/team/shop@${digest}`, false],
    ['ghcr.io/acme/shop@*', `ghcr.io/acme/shop:v1@${digest}`, true],
    ['index.docker.io/library/nginx@*', `nginx@${digest}`, true],
    ['**', `nginx@${digest}`, true],
    ['ghcr.io/acme/shop', `ghcr.io/acme/shop@${digest}`, false],
    ['ghcr.io/acme/shop:v1*', `ghcr.io/acme/shop:v1@${digest}`, false],
    ['ghcr.io/acme/shop*', `ghcr.io/acme/shop-evil@${digest}`, true],
  ]
  for (const [glob, image, isMatched] of cases) t.equal(matches(glob, image), isMatched, `${glob} ${image}`)
  for (const glob of new Set(cases.map(([glob]) => glob)))
    t.ok(page.includes(`| \`${glob}\` |`), `${glob} stands on the page`)
})

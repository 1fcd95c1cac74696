/** The house rules of import, as a test: the table of ARCHITECTURE.md, the purity of the pure folders, the packages of each room. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { parseSync } from 'oxc-parser'
import t from 'tap'

const root = join(import.meta.dirname, '..')

/** Folder → folders it may import besides itself. The longest prefix that fits a file is its folder. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'core/domain': [],
  'core/json': ['core/domain'],
  'core/kinds': ['core/domain'],
  'core/runtime': ['core/domain'],
  'core/verify': ['core/domain', 'core/kinds', 'core/json'],
  'core/cache': ['core/domain', 'core/kinds', 'core/runtime'],
  'core/registry': ['core/domain', 'core/kinds', 'core/json', 'core/runtime'],
  'core/cluster': ['core/domain', 'core/kinds', 'core/json', 'core/runtime'],
  'core/credentials': ['core/domain', 'core/json', 'core/registry', 'core/runtime'],
  'core/gate': ['core/domain', 'core/kinds', 'core/json', 'core/verify', 'core/cache', 'core/registry', 'core/runtime'],
  policies: ['core/domain', 'core/kinds', 'core/json'],
  certs: ['core/domain', 'core/kinds', 'core/json', 'core/cluster', 'core/runtime'],
  assembly: ['core', 'policies', 'certs'],
  webhook: ['core', 'policies', 'certs', 'assembly'],
  reconcilers: ['core', 'policies', 'certs', 'assembly'],
  cli: ['core', 'policies', 'certs', 'assembly'],
  manifests: ['core/kinds'],
  embedded: ['core/domain', 'core/json', 'core/runtime'],
}

/** Folder → npm packages it may import. What a program's image holds follows from these. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'core/domain': [],
  'core/json': ['jsonc-parser'],
  'core/kinds': ['zod'],
  'core/runtime': [
    '@opentelemetry/api',
    '@opentelemetry/exporter-trace-otlp-http',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-trace',
    'pino',
    'prom-client',
  ],
  'core/verify': ['@noble/curves', 're2js'],
  'core/cache': ['lru-cache'],
  'core/registry': ['smol-toml', 'undici', 'zod'],
  'core/cluster': ['@kubernetes/client-node', 'undici'],
  'core/credentials': ['@aws-sdk/client-ecr', '@azure/identity', 'google-auth-library', 'zod'],
  'core/gate': ['piscina'],
  policies: ['re2js'],
  certs: ['@peculiar/x509', 'reflect-metadata'],
  assembly: ['yaml'],
  webhook: ['fastify'],
  reconcilers: [],
  // Of sarif there are types alone.
  cli: ['commander', 'sarif', 'yaml'],
  manifests: ['yaml', 'zod'],
  embedded: ['@noble/curves', 'rfc6902', 'undici', 'zod'],
}

/** Folders that touch neither file, socket, timer, clock, environment nor logger, and the built-in modules that do not either. */
const PURE = ['core/domain', 'core/json', 'core/kinds', 'core/verify', 'policies']
const PURE_BUILTINS = new Set(['node:crypto', 'node:buffer'])
const WORLD =
  /\b(?:process\.|Date\.now\(|new Date\(\)|performance\.now\(|setTimeout\(|setInterval\(|setImmediate\(|fetch\(|console\.|Math\.random\()/

const files = globSync('{core,policies,certs,assembly,webhook,reconcilers,cli,manifests,embedded}/**/*.ts', {
  cwd: root,
}).map(file => file.replaceAll('\\', '/'))

function folderOf(file: string): string {
  const folder = Object.keys(MAY_IMPORT)
    .filter(name => file.startsWith(`${name}/`))
    .toSorted((a, b) => b.length - a.length)[0]
  if (folder === undefined) throw new Error(`${file} lies in no room of the house`)
  return folder
}

/** Every module that a file names: import, import type, export from, import('x') as value and as type. */
function importsOf(file: string): readonly string[] {
  const source = readFileSync(join(root, file), 'utf8')
  const { module, program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const named = [
    ...module.staticImports.map(one => one.moduleRequest.value),
    ...module.staticExports.flatMap(one => one.entries.flatMap(entry => entry.moduleRequest?.value ?? [])),
  ]
  return [...new Set([...named, ...dynamicImports(program)])]
}

function dynamicImports(node: unknown): readonly string[] {
  if (typeof node !== 'object' || node === null) return []
  if (Array.isArray(node)) return node.flatMap(dynamicImports)
  const { type, source } = node as { type?: string; source?: { value?: string } }
  const isImport = type === 'ImportExpression' || type === 'TSImportType'
  const own = isImport ? [source?.value ?? 'a computed name'] : []
  return [...own, ...Object.values(node).flatMap(dynamicImports)]
}

/** Says what is wrong with one import of one file, or nothing. */
function complaint(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return complaintAboutBuiltin(file, specifier)
  const isInside = specifier.startsWith('.') || specifier.startsWith('#')
  return isInside ? complaintAboutArrow(file, specifier) : complaintAboutPackage(file, specifier)
}

function complaintAboutBuiltin(file: string, specifier: string): string | undefined {
  const from = folderOf(file)
  const isPure = PURE.includes(from)
  return isPure && !PURE_BUILTINS.has(specifier)
    ? `${file}: ${from} is pure and may not import ${specifier}`
    : undefined
}

function complaintAboutPackage(file: string, specifier: string): string | undefined {
  const from = folderOf(file)
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  return PACKAGES[from]?.includes(name) ? undefined : `${file}: ${from} may not import the package ${name}`
}

function complaintAboutArrow(file: string, specifier: string): string | undefined {
  const from = folderOf(file)
  const target = specifier.startsWith('#') ? specifier.slice(1) : posix.join(dirname(file), specifier)
  const to = Object.keys(MAY_IMPORT).some(room => target.startsWith(`${room}/`)) ? folderOf(target) : target
  const isAllowed = to === from || MAY_IMPORT[from]?.some(name => to === name || to.startsWith(`${name}/`))
  return isAllowed ? undefined : `${file}: ${from} may not import ${target}`
}

t.test('libraries point at core, programs point at libraries, programs never point at each other', async t => {
  const complaints = files.flatMap(file => importsOf(file).flatMap(specifier => complaint(file, specifier) ?? []))
  t.strictSame(complaints, [])
  t.ok(files.length > 20, 'the files were found')
})

t.test('a wrong arrow is noticed, of whatever kind', async t => {
  t.match(complaint('policies/judge.ts', '#webhook/respond.ts'), /may not import webhook\/respond.ts/)
  t.match(complaint('policies/judge.ts', '../webhook/respond.ts'), /may not import webhook\/respond.ts/)
  t.match(complaint('core/domain/digest.ts', 'zod'), /may not import the package zod/)
  t.match(complaint('core/domain/digest.ts', '#core/runtime/deadline.ts'), /may not import core\/runtime/)
  t.match(complaint('core/verify/x.ts', 'node:fs'), /pure/)
  t.match(complaint('webhook/server.ts', '#cli/program.ts'), /may not import cli/)
  t.match(complaint('cli/program.ts', '../embedded/registry/main.ts'), /may not import embedded/)
  t.equal(complaint('webhook/server.ts', '#core/gate/admit.ts'), undefined)
  const hidden = parseSync('x.ts', "type A = import('#webhook/respond.ts').B; const c = import('zod')").program
  t.strictSame(dynamicImports(hidden), ['#webhook/respond.ts', 'zod'])
})

t.test('pure folders do not touch the world', async t => {
  const touching = files
    .filter(file => PURE.includes(folderOf(file)))
    .filter(file => WORLD.test(readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')))
  t.strictSame(touching, [])
})

t.test('no file lies directly in core, and every room has its README', async t => {
  t.strictSame(globSync('core/*.ts', { cwd: root }), [])
  const rooms = [...Object.keys(MAY_IMPORT), 'scripts', 'test', 'test/fixtures', 'docs']
  const missing = rooms.filter(room => globSync(`${room}/README.md`, { cwd: root }).length === 0)
  t.strictSame(missing, [])
})

t.test('there are no barrels and no rooms for everything', async t => {
  const named = files.filter(file => /\/(?:index|utils|helpers|common|types|manager|service)\.ts$/.test(file))
  t.strictSame(named, [])
})

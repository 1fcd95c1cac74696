/** What a source file declares, and what each declaration mentions: as much of a program as it takes to follow its calls. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

const ROOT = resolve(import.meta.dirname, '..', '..')

export type Mentions = {
  /** Names of whatever kind; one that means something else here leads to too much, never to too little. */
  readonly names: Set<string>
  readonly strings: Set<string>
  /** Files of this repository whose path is put together here, which is how a program is started as a process. */
  readonly starts: Set<string>
}

export type Source = {
  /** By the name that it has here: where an import comes from. Types are left out, for they call nothing. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>
  readonly declarations: ReadonlyMap<string, Mentions>
  /** What is done as soon as the file is loaded. */
  readonly rest: Mentions
}

type Node = { readonly type: string } & Readonly<Record<string, unknown>>

/** Reads a file, given by its full path. */
export function readSource(file: string): Source {
  const { program, module, errors } = parseSync(file, readFileSync(file, 'utf8'))
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const imports = module.staticImports.flatMap(({ moduleRequest, entries }) => {
    const from = fileOf(file, moduleRequest.value)
    const named = entries.filter(({ isType }) => !isType)
    return from === undefined
      ? []
      : named.map(one => [one.localName.value, { file: from, name: one.importName.name ?? '*' }] as const)
  })
  const declarations = new Map<string, Mentions>()
  const rest = noMentions()
  for (const statement of program.body as unknown as readonly Node[]) {
    if (statement.type === 'ImportDeclaration') continue
    const declared = (statement['declaration'] ?? statement) as Node
    const mentions = noMentions()
    collect(declared, mentions, file)
    const names = namesOf(declared)
    for (const name of names) declarations.set(name, mentions)
    if (names.length === 0) collect(declared, rest, file)
  }
  return { imports: new Map(imports), declarations, rest }
}

/** The file behind a specifier, where it may lead to a test's own tools: the libraries of the product know none of them. */
function fileOf(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return resolve(dirname(importer), specifier)
  return specifier.startsWith('#test/') ? join(ROOT, specifier.slice(1)) : undefined
}

function noMentions(): Mentions {
  return { names: new Set(), strings: new Set(), starts: new Set() }
}

/** Of a function, a class, or each variable of a statement, taken apart or not. */
function namesOf({ type, id, declarations }: Node): readonly string[] {
  if (type === 'FunctionDeclaration' || type === 'ClassDeclaration') return [(id as { readonly name: string }).name]
  if (type !== 'VariableDeclaration') return []
  const { names } = noMentions()
  for (const { id } of declarations as readonly Node[]) collect(id, { ...noMentions(), names }, '')
  return [...names]
}

function collect(node: unknown, into: Mentions, file: string): void {
  if (typeof node !== 'object' || node === null) return
  const { type = '', ...parts } = node as Partial<Node>
  // Of types nothing is called; what stands before `as`, `satisfies` and `!` is an expression.
  if (type.startsWith('TS')) return collect(parts['expression'], into, file)
  const { name, value } = parts
  if (type === 'Identifier') into.names.add(String(name))
  if (type === 'Literal' && typeof value === 'string') into.strings.add(value)
  if (type === 'CallExpression') addStarted(parts, into, file)
  for (const part of Object.values(parts)) collect(part, into, file)
}

/** `join(import.meta.dirname, 'elector.ts')`: the first argument is no string, and all others are. */
function addStarted(call: Readonly<Record<string, unknown>>, into: Mentions, file: string): void {
  const { name } = call['callee'] as { readonly name?: string }
  const [, ...words] = (call['arguments'] as readonly { readonly value?: unknown }[]).map(({ value }) => value)
  const isPath =
    name === 'join' && words.every(word => typeof word === 'string') && String(words.at(-1)).endsWith('.ts')
  if (isPath) into.starts.add(join(dirname(file), ...words))
}

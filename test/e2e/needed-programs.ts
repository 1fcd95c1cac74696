/** Which real programs a suite needs, read from the sources: what it calls, what that calls, and the names that are asked for on the way. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAM_NAMES, type ProgramName } from '../stack/programs.ts'
import { type Mentions, readSource, type Source } from './read-source.ts'

/** A declaration of a file; `*` is all that is in it. */
type Place = { readonly file: string; readonly name: string }

/** What takes a program by its name: only what leads there names one, elsewhere `rekor1` is just a string. */
const ASKED = [
  ['build.ts', 'buildPrograms'],
  ['build.ts', '*'],
  ['make-runner.ts', 'makeRunner'],
].map(([file = '', name = '']) => keyOf({ file: join(import.meta.dirname, '..', 'stack', file), name }))

/** Suite → the programs that it needs, in the order of their table. Suites are given by their full path. */
export function findNeeds(suites: readonly string[]): ReadonlyMap<string, readonly ProgramName[]> {
  const sources = new Map<string, Source>()
  const read = (file: string) => {
    const source = sources.get(file) ?? readSource(file)
    sources.set(file, source)
    return source
  }
  return new Map(suites.map(suite => [suite, neededBy(suite, read)]))
}

function neededBy(suite: string, read: (file: string) => Source): readonly ProgramName[] {
  const places: Place[] = [{ file: suite, name: '*' }]
  const seen = new Set<string>()
  let named = new Set<string>()
  for (const place of places) {
    if (seen.has(keyOf(place)) || !existsSync(place.file)) continue
    seen.add(keyOf(place))
    const source = read(place.file)
    for (const declared of declaredAs(place.name, source)) {
      const mentions = withinFile(source, declared)
      const leadsTo = placesOf(source, mentions)
      places.push(...leadsTo)
      if (leadsTo.some(one => ASKED.includes(keyOf(one)))) named = named.union(mentions.strings)
    }
  }
  return PROGRAM_NAMES.filter(name => named.has(name))
}

/** What a name brings in, and what loading its file does. A name that is not found may be any of it. */
function declaredAs(name: string, { declarations, rest }: Source): readonly Mentions[] {
  const declared = declarations.get(name)
  return declared === undefined ? [...declarations.values(), rest] : [declared, rest]
}

/** What a declaration mentions, with all that the declarations mention to which it leads in its own file. */
function withinFile({ declarations }: Source, declared: Mentions): Mentions {
  let { names, strings, starts } = declared
  // A set goes on to what is added while it is gone through.
  const reached = new Set([declared])
  for (const one of reached) {
    for (const name of one.names) reached.add(declarations.get(name) ?? one)
    names = names.union(one.names)
    strings = strings.union(one.strings)
    starts = starts.union(one.starts)
  }
  return { names, strings, starts }
}

function placesOf({ imports }: Source, { names, starts }: Mentions): readonly Place[] {
  const called = [...names].flatMap(name => imports.get(name) ?? [])
  return [...called, ...[...starts].map(file => ({ file, name: '*' }))]
}

function keyOf({ file, name }: Place): string {
  return `${file} ${name}`
}

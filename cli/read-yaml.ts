/** Reads YAML and JSON as kubectl reads them, and remembers at which line and column every value was written. */
import type { CST, DocumentOptions, ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml'
import { Composer, LineCounter, Parser } from 'yaml'
import { refuseTwoReadings } from './yaml-text.ts'
import type { FieldPath, Position } from './yaml-walk.ts'
import { faultAt, NotYaml, positionAt, YamlWalk } from './yaml-walk.ts'

export type YamlDocument = {
  /** Its place in the file, counted from 1, empty documents included. */
  readonly number: number
  readonly value: unknown
  /** Where the value at this path was written; where the path ends early, the last value that is there. */
  readonly positionOf: (path: FieldPath) => Position
}

/**
 * kubectl's reader (sigs.k8s.io/yaml, a YAML 1.1 of Go) takes `on` for true, but neither 12:30:45 for a number nor
 * 2001-12-14 for a date, and wants a sign in the exponent of a float. The `%YAML` directive changes none of this.
 */
const AS_KUBECTL: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  schema: 'yaml-1.1',
  customTags: tags => tags.filter(isKnownToKubectl).map(signedExponent),
  merge: true,
  resolveKnownTags: false,
  prettyErrors: false,
  // Compares every key with every other: quadratic. The walk below keeps a Set instead.
  uniqueKeys: false,
}

/**
 * Reads every document of a text; empty ones are left out. Throws an InputError that names file, line and column for
 * what is no YAML, and for what two readers could read differently: a key that occurs twice, an unknown tag.
 */
export function readYaml(file: string, text: string): readonly YamlDocument[] {
  refuseTwoReadings(file, text)
  const lines = new LineCounter()
  const documents: YamlDocument[] = []
  let number = 0
  // One document at a time: its syntax tree is some hundred times the size of its text.
  for (const document of new Composer(AS_KUBECTL).compose(tokensOf(file, text, lines))) {
    number++
    const walk = new YamlWalk(file, lines)
    const value = walk.read(document)
    const start = document.contents?.range?.[0] ?? 0
    const positionOf = (path: FieldPath) => positionAt(lines, walk.locate(value, path) ?? start)
    if (value !== null) documents.push({ number, value, positionOf })
  }
  return documents
}

/** Stops at the first token that fits nowhere: the composer would collect millions of them, and lose those that no document follows. */
function* tokensOf(file: string, text: string, lines: LineCounter): Generator<CST.Token> {
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (token.type === 'error') throw new NotYaml(faultAt(file, positionAt(lines, token.offset), token.message).message)
    yield token
  }
}

function isKnownToKubectl(tag: Tags[number]): boolean {
  if (typeof tag !== 'object') return true
  const isTime = 'format' in tag && tag.format === 'TIME'
  return !isTime && !/:(?:timestamp|binary|omap|pairs|set)$/.test(tag.tag)
}

function signedExponent(tag: Tags[number]): Tags[number] {
  const isExponent = typeof tag === 'object' && 'format' in tag && tag.format === 'EXP'
  return isExponent ? { ...(tag as ScalarTag), test: /^[-+]?[0-9]*\.?[0-9]+[eE][-+][0-9]+$/ } : tag
}

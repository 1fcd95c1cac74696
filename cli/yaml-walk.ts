/** One pass over the syntax tree of a YAML document: values, the places where they were written, and a bound on what aliases make of them. */
import type { Alias, Document, LineCounter, YAMLMap } from 'yaml'
import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import { InputError } from '#core/domain/input-error.ts'

/** Both count from 1. */
export type Position = { readonly line: number; readonly column: number }

export type FieldPath = readonly (string | number)[]

/** No object that an API server takes is nested a tenth as deep. Aliases can nest what the text does not. */
const MAX_DEPTH = 200

/** What aliases may add to a document, all of them together. Templates repeat a few hundred values; a bomb, billions. */
const MAX_ALIASED_VALUES = 20_000

/** One document, read in the order of its text. Aliases are written out, so that no two places share a value. */
export class YamlWalk {
  readonly #file: string
  readonly #lines: LineCounter
  readonly #anchors = new Map<string, unknown>()
  /** What each alias stands for: the last anchor of that name before it, whatever the name means later. */
  readonly #targets = new Map<Alias, unknown>()
  /** For each object and list: the offsets at which its values were written. */
  readonly #offsets = new WeakMap<object, ReadonlyMap<string | number, number>>()
  #aliasesOpen = 0
  #aliasedValues = 0

  constructor(file: string, lines: LineCounter) {
    this.#file = file
    this.#lines = lines
  }

  /** The document as JSON. Throws an InputError that names file, line and column. */
  read(document: Document.Parsed): unknown {
    // A warning is an unknown tag or an unknown directive: another reader may know it.
    const [fault] = [...document.errors, ...document.warnings]
    if (fault === undefined) return this.#value(document.contents, 0)
    if (fault.code === 'RESOURCE_EXHAUSTION')
      throw this.#fault(fault.pos[0], `expected at most ${MAX_DEPTH} levels of nesting`)
    const error = this.#fault(fault.pos[0], fault.message)
    throw document.errors.length > 0 ? new NotYaml(error.message) : error
  }

  /** The offset at which the value at this path was written, as far as the path leads. */
  locate(root: unknown, path: FieldPath): number | undefined {
    let at = root
    let offset: number | undefined
    for (const step of path) {
      if (typeof at !== 'object' || at === null) break
      const next = this.#offsets.get(at)?.get(step)
      if (next === undefined) break
      offset = next
      at = (at as Record<string | number, unknown>)[step]
    }
    return offset
  }

  #value(node: unknown, depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.#fault(offsetOf(node), `expected at most ${MAX_DEPTH} levels of nesting`)
    if (this.#aliasesOpen > 0 && ++this.#aliasedValues > MAX_ALIASED_VALUES)
      throw this.#fault(offsetOf(node), `expected aliases to stand for at most ${MAX_ALIASED_VALUES} values`)
    if (isAlias(node)) return this.#aliased(node, depth)
    if (this.#aliasesOpen === 0) this.#noteAnchor(node)
    if (isMap(node)) return this.#object(node, depth)
    if (isSeq(node)) return this.#list(node.items, depth)
    return isScalar(node) ? node.value : null
  }

  #noteAnchor(node: unknown): void {
    const { anchor } = (node ?? {}) as { anchor?: string }
    if (anchor !== undefined) this.#anchors.set(anchor, node)
  }

  #aliased(alias: Alias, depth: number): unknown {
    if (this.#aliasesOpen === 0) this.#targets.set(alias, this.#anchors.get(alias.source))
    const target = this.#targets.get(alias)
    if (target === undefined)
      throw this.#fault(offsetOf(alias), `there is no anchor ${JSON.stringify(alias.source)} before this alias`)
    this.#aliasesOpen++
    const value = this.#value(target, depth + 1)
    this.#aliasesOpen--
    return value
  }

  #list(items: readonly unknown[], depth: number): unknown {
    const value = items.map(item => this.#value(item, depth + 1))
    this.#offsets.set(value, new Map(items.map((item, index) => [index, offsetOf(item)])))
    return value
  }

  #object(map: YAMLMap, depth: number): unknown {
    const entries = new Map<string, unknown>()
    const offsets = new Map<string | number, number>()
    const written = new Set<string>()
    for (const { key, value } of map.items) {
      const name = this.#keyName(key)
      if (written.has(name)) throw this.#fault(offsetOf(key), `the key ${quoted(name)} occurs twice`)
      written.add(name)
      if (isMerge(key)) {
        this.#merge(value, { entries, offsets, written, depth })
      } else {
        entries.set(name, this.#value(value, depth + 1))
        offsets.set(name, offsetOf(value) || offsetOf(key))
      }
    }
    // Not by assignment: `__proto__` has to become a key like any other.
    const object = Object.fromEntries(entries)
    this.#offsets.set(object, offsets)
    return object
  }

  /** YAML says that the key beside a merge holds; kubectl's reader, that whichever comes last does. Where they differ, neither is believed. */
  #merge(node: unknown, into: Merge): void {
    for (const source of isSeq(node) ? node.items : [node]) {
      const value = this.#value(source, into.depth + 1)
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw this.#fault(offsetOf(source), 'expected an object to merge, or a list of objects')
      for (const [name, member] of Object.entries(value)) {
        if (into.written.has(name))
          throw this.#fault(
            offsetOf(source),
            `the key ${quoted(name)} stands before a merge that sets it as well; put the merge first`,
          )
        if (into.entries.has(name)) continue
        into.entries.set(name, member)
        into.offsets.set(name, this.locate(value, [name]) ?? offsetOf(source))
      }
    }
  }

  #keyName(key: unknown): string {
    if (isMerge(key)) return '<<'
    const value = isScalar(key) ? key.value : undefined
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
    const error = this.#fault(offsetOf(key), 'expected a key to be text')
    throw isMap(key) || isSeq(key) ? new NotYaml(error.message) : error
  }

  #fault(offset: number, message: string): InputError {
    return faultAt(this.#file, positionAt(this.#lines, offset), message)
  }
}

/** What no reader of YAML takes for an object, whoever it is: neither is it one to kubectl. */
export class NotYaml extends InputError {}

/** What is wrong, and where: every message about a file has this form. */
export function faultAt(file: string, { line, column }: Position, message: string): InputError {
  return new InputError(`${file}:${line}:${column}: ${message.slice(0, 1).toLowerCase()}${message.slice(1)}`)
}

/** Line and column of an offset. */
export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

type Merge = {
  readonly entries: Map<string, unknown>
  readonly offsets: Map<string | number, number>
  readonly written: ReadonlySet<string>
  readonly depth: number
}

function isMerge(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol'
}

function offsetOf(node: unknown): number {
  const { range } = (node ?? {}) as { range?: readonly number[] | null }
  return range?.[0] ?? 0
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

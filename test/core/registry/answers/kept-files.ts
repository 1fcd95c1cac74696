/** The files of a cache folder as anybody could read and rewrite them, by the form that docs/adr/0015 gives. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf } from '#core/domain/digest.ts'

export type KeptFile = {
  readonly path: string
  readonly head: {
    readonly url: string
    readonly at: string
    readonly status: number
    readonly [field: string]: unknown
  }
  readonly body: string
}

/** All of them, or those about a thing: `manifests/v1`. */
export function keptFiles(cache: string, thing = ''): readonly KeptFile[] {
  const folder = join(cache, 'answers-v1')
  // Who was given an answer may go on while others are being written.
  const whole = readdirSync(folder).filter(name => !name.endsWith('.part'))
  const files = whole.map(name => readKept(join(folder, name)))
  return files.filter(({ head }) => head.url.includes(thing))
}

function readKept(path: string): KeptFile {
  const [, head = '', ...body] = readFileSync(path, 'utf8').split('\n')
  return { path, head: JSON.parse(head), body: body.join('\n') }
}

/** Writes other things into the files about a thing, as whole as they were. */
export function rewriteKept(cache: string, thing: string, change: (file: KeptFile) => Partial<KeptFile>): void {
  for (const file of keptFiles(cache, thing)) {
    const { path, head, body } = { ...file, ...change(file) }
    const rest = Buffer.from(`${JSON.stringify(head)}\n${body}`)
    writeFileSync(path, Buffer.concat([Buffer.from(`shedu-answer/1 ${digestOf(rest)}\n`), rest]))
  }
}

/** The places that results are written to. Text is written as results come, every other form once all are there. */
import { closeSync, constants, lstatSync, openSync, realpathSync, truncateSync, writeFileSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import { InputError } from '#core/domain/input-error.ts'
import { type Form, LINES, type Output } from './output.ts'
import { paintFor, UNPAINTED } from './report/paint.ts'
import type { Report } from './report/report.ts'
import type { CheckResult } from './report/result.ts'
import { renderResult, renderSummary } from './report/text.ts'
import type { Streams } from './streams.ts'

export type Outputs = {
  readonly say: (result: CheckResult) => void
  /** Says the rest, and closes. */
  readonly end: (report: Report) => Promise<void>
}

type Render = (report: Report) => string

/** Loaded when asked for: most runs want one of them, or none. */
const FORMS: Readonly<Record<Exclude<Form, 'text'>, () => Promise<Render>>> = {
  json: async () => (await import('./report/json.ts')).renderJson,
  sarif: async () => (await import('./report/sarif.ts')).renderSarif,
  junit: async () => (await import('./report/junit.ts')).renderJunit,
  github: async () => (await import('./report/github.ts')).renderGithub,
}

type Opening = {
  readonly outputs: readonly Output[]
  readonly isQuiet: boolean
  /** The files that objects were read from: none of them is written over. */
  readonly sources: ReadonlySet<string>
}

/**
 * Opens all files, emptied, so that one which cannot be written is known before any work is done and no report of an
 * earlier run is left to be read as this one's. Throws an InputError that names the flag.
 */
export function openOutputs({ outputs, isQuiet, sources }: Opening, { stdout }: Streams): Outputs {
  const written = new Set([...sources].map(realPathOf))
  for (const { form, file } of outputs)
    if (file !== undefined && written.has(realPathOf(file)))
      throw new InputError(`-o ${form}=${file}: is one of the files that are checked, and would be lost`)
  const opened = outputs.map(output => ({ ...output, ...openOne(output, stdout) }))
  // Text and annotations in one stream are summed up once.
  const summed = [...new Map(opened.filter(({ form }) => LINES.includes(form)).map(one => [one.file, one])).values()]
  const texts = opened.flatMap(({ form, file, write }) =>
    form === 'text' ? [{ write, paint: file === undefined ? paintFor({ stdout }) : UNPAINTED }] : [],
  )
  return {
    say: result => {
      if (isQuiet && isUneventful(result)) return
      for (const { write, paint } of texts) write(renderResult(result, paint))
    },
    end: async report => {
      for (const { form, write } of opened) if (form !== 'text') write((await FORMS[form]())(report))
      if (!isQuiet) for (const { write } of summed) write(renderSummary(report.summary))
      for (const { close } of opened) close()
    },
  }
}

/**
 * Empties what an earlier run has left, for one that came to nothing. Whatever could be a file that is read, because it is
 * named, or lies in a folder that is, is left alone; and so is what cannot be written, for there is an error to tell already.
 */
export function emptyOutputs(outputs: readonly Output[], read: readonly string[]): void {
  const places = read.map(realPathOf)
  for (const { file } of outputs) {
    if (file === undefined || places.some(place => isWithin(realPathOf(file), place))) continue
    try {
      if (lstatSync(file).isFile()) truncateSync(file)
    } catch {}
  }
}

/** In a folder that is read, only what has the name of a manifest is. */
function isWithin(file: string, place: string): boolean {
  return file === place || (file.startsWith(place.replace(/[\\/]?$/, sep)) && /\.(?:ya?ml|json)$/i.test(file))
}

/** As far as there is such a file. */
function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return resolve(file)
  }
}

/**
 * A link in the place of a report leads the job that writes it to a file of somebody else's choice: whoever may put files
 * into a checkout may put a link. Those of the system, such as /dev/stdout, are meant.
 */
function flagsFor(file: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC
  return resolve(file).startsWith('/dev/') ? flags : flags | (constants.O_NOFOLLOW ?? 0)
}

type Opened = { readonly write: (text: string) => void; readonly close: () => void }

function openOne({ form, file }: Output, stdout: Streams['stdout']): Opened {
  if (file === undefined) return { write: text => void stdout.write(text), close: () => {} }
  const attempt = <T>(deed: () => T): T => {
    try {
      return deed()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const why = code === 'ELOOP' ? 'is a link: name what it leads to' : `cannot be written (${code ?? String(error)})`
      throw new InputError(`-o ${form}=${file}: ${why}`, { cause: error })
    }
  }
  const descriptor = attempt(() => openSync(file, flagsFor(file)))
  return {
    write: text => attempt(() => writeFileSync(descriptor, text)),
    close: () => attempt(() => closeSync(descriptor)),
  }
}

function isUneventful({ outcome, warnings }: CheckResult): boolean {
  return (outcome === 'admitted' || outcome === 'skipped') && warnings.length === 0
}

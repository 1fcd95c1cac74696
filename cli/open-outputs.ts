/** The places that results are written to. Text is written as results come, every other form once all are there. */
import { closeSync, openSync, writeFileSync } from 'node:fs'
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

/**
 * Opens all files, emptied, so that one which cannot be written is known before any work is done and no report of an
 * earlier run is left to be read as this one's. Throws an InputError that names the flag.
 */
export function openOutputs(outputs: readonly Output[], isQuiet: boolean, { stdout }: Streams): Outputs {
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

type Opened = { readonly write: (text: string) => void; readonly close: () => void }

function openOne({ form, file }: Output, stdout: Streams['stdout']): Opened {
  if (file === undefined) return { write: text => void stdout.write(text), close: () => {} }
  const attempt = <T>(deed: () => T): T => {
    try {
      return deed()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new InputError(`-o ${form}=${file}: cannot be written (${code ?? String(error)})`, { cause: error })
    }
  }
  const descriptor = attempt(() => openSync(file, 'w'))
  return {
    write: text => attempt(() => writeFileSync(descriptor, text)),
    close: () => attempt(() => closeSync(descriptor)),
  }
}

function isUneventful({ outcome, warnings }: CheckResult): boolean {
  return (outcome === 'admitted' || outcome === 'skipped') && warnings.length === 0
}

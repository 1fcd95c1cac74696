/** One line on a terminal that says how far the work is and what it waits for. Wherever it is not watched, it says nothing. */
import { clearLine, cursorTo } from 'node:readline'
import type { WriteStream } from 'node:tty'
import { visible } from './report/visible.ts'
import type { Streams } from './streams.ts'

export type Progress = {
  /** So many are done, and the next that is waited for. */
  readonly at: (done: number, waitingFor: string) => void
  /** Makes room for something else to be written; the line comes back with the next second. */
  readonly hide: () => void
  readonly end: () => void
}

/** For nobody. */
export const NO_PROGRESS: Progress = { at: () => {}, hide: () => {}, end: () => {} }

/** What is over sooner needs no line. */
const FIRST_MS = 500

/** A terminal of unknown width. */
const COLUMNS = 80

/** Shows itself on standard error, if that is a terminal. */
export function makeProgress({ stderr }: Streams, total: number): Progress {
  const terminal = stderr as Partial<WriteStream>
  if (terminal.isTTY !== true) return NO_PROGRESS
  const started = performance.now()
  let state = { done: 0, waitingFor: '' }
  let isShown = false
  const hide = () => {
    if (!isShown) return
    cursorTo(stderr, 0)
    clearLine(stderr, 0)
    isShown = false
  }
  const show = () => {
    const seconds = Math.floor((performance.now() - started) / 1000)
    const line = `${state.done} of ${total} checked, ${seconds} s, waiting for `
    const room = Math.max((terminal.columns ?? COLUMNS) - 1 - line.length, 0)
    hide()
    stderr.write(`${line}${endOf(visible(state.waitingFor), room)}`.slice(0, (terminal.columns ?? COLUMNS) - 1))
    isShown = true
  }
  const timer = setInterval(show, FIRST_MS).unref()
  // The prompt of the shell would be written behind the line. Once that is gone, it ends as it would have.
  const interrupted = () => {
    hide()
    process.kill(process.pid, 'SIGINT')
  }
  process.once('SIGINT', interrupted)
  return {
    at: (done, waitingFor) => {
      state = { done, waitingFor }
    },
    hide,
    end: () => {
      clearInterval(timer)
      process.off('SIGINT', interrupted)
      hide()
    },
  }
}

/** The end of a name tells it from others: its tag, its object. */
function endOf(text: string, most: number): string {
  return text.length <= most ? text : `…${text.slice(text.length - most + 1)}`
}

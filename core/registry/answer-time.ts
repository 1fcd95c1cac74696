/** The time that one answer may take in all: whoever sends a byte now and then is never silent, and never done. */

export type AnswerTime = Disposable & {
  /** Aborts when the time is up, or with the caller. */
  readonly signal: AbortSignal
  /** Waits for something that is not the other side's to hasten; meanwhile its time stands still. */
  readonly without: <T>(wait: Promise<T>) => Promise<T>
}

/** Starts the time of an answer; dispose of it when the answer is whole. Its error has a code, as those of sockets do. */
export function answerTime(ms: number, parent: AbortSignal): AnswerTime {
  const slow = new AbortController()
  const giveUp = () => slow.abort(Object.assign(new Error('slow answer'), { code: 'SLOW_ANSWER' }))
  let leftMs = ms
  let since = performance.now()
  let timer = setTimeout(giveUp, leftMs)
  const stop = () => {
    clearTimeout(timer)
    leftMs -= performance.now() - since
  }
  const goOn = () => {
    since = performance.now()
    timer = setTimeout(giveUp, leftMs)
  }
  return {
    signal: AbortSignal.any([parent, slow.signal]),
    async without(wait) {
      stop()
      try {
        return await wait
      } finally {
        goOn()
      }
    },
    [Symbol.dispose]: stop,
  }
}

/** How long the rest of the builds will take, from what they took elsewhere and what they have taken here so far. */

export type Progress = {
  /** Of the builds that have ended: seconds expected and seconds taken. */
  readonly done: readonly { readonly expected: number; readonly took: number }[]
  readonly running: { readonly expected: number; readonly elapsed: number }
  /** Seconds expected for each build that has not begun. */
  readonly rest: readonly number[]
}

/** Seconds left. Each build that has ended corrects the pace of the rest; one that is over its time is about to end. */
export function secondsLeft({ done, running, rest }: Progress): number {
  const pace = done.length === 0 ? 1 : sum(done.map(one => one.took)) / sum(done.map(one => one.expected))
  return Math.max(0, running.expected * pace - running.elapsed) + sum(rest) * pace
}

/** `3 min 20 s`; to the second, because a wait that counts down is a shorter one. */
export function inWords(seconds: number): string {
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  return minutes === 0 ? `${whole} s` : `${minutes} min ${whole % 60} s`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

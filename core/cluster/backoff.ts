/** How long to wait before asking again: longer each time, and never all at once. */

/** The first wait, and the longest. */
const FIRST_MS = 500
const LONGEST_MS = 30_000

/** The wait after so many failures in a row. `random` (0 to 1) spreads those who failed together over half of it. */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures)
  return full * (1 - random / 2)
}

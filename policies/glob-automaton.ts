/** Runs a glob over a text without ever going back: the work is at most the length of the one times that of the other, whatever the glob. */

/** A glob as what it asks for, one after another: a character, `*` for a run without a slash, `**` for any run. */
export type GlobSteps = readonly string[]

/** What stands at a place of a text that is not known to the letter: one of these characters, or one or more of them. */
export type Place = string | { readonly oneOrMoreOf: string }

/** How many steps lie behind us. Several at a time: after a `*` the next step may or may not have begun. */
type States = ReadonlySet<number>

/** Takes a glob apart. Of three stars the first two are one step, which makes no difference to what they match. */
export function stepsOf(glob: string): GlobSteps {
  return glob.match(/\*\*|[^]/g) ?? []
}

/**
 * Whether the whole of a text, and nothing less, is what the steps from `begin` on ask for; of a text that is not known,
 * whether it may be.
 */
export function isAccepted(steps: GlobSteps, text: Iterable<Place>, begin = 0): boolean {
  let states: States = closureOf(steps, [begin])
  // A last `**` takes whatever comes: most globs end in one, and most of a name is a digest behind it.
  const takesAll = steps.at(-1) === '**' ? steps.length - 1 : -1
  for (const place of text) {
    if (states.size === 0) return false
    if (states.has(takesAll)) return true
    states = typeof place === 'string' ? advance(steps, states, place) : advanceOften(steps, states, place.oneOrMoreOf)
  }
  return states.has(steps.length)
}

function advance(steps: GlobSteps, states: States, characters: string): States {
  const next: number[] = []
  for (const at of states) {
    const step = steps[at]
    if (step === undefined) continue
    if (step === '**' || (step === '*' && characters !== '/')) next.push(at)
    else if (characters.includes(step)) next.push(at + 1)
  }
  return closureOf(steps, next)
}

/** Ends, because the states only grow in number and there are no more of them than steps. */
function advanceOften(steps: GlobSteps, states: States, characters: string): States {
  let reached = advance(steps, states, characters)
  for (let size = -1; size !== reached.size; ) {
    size = reached.size
    reached = reached.union(advance(steps, reached, characters))
  }
  return reached
}

/** A run may be empty: where a star may begin, what follows it may begin too. */
function closureOf(steps: GlobSteps, begun: readonly number[]): States {
  const states = new Set<number>()
  for (const start of begun) {
    // What is there already was followed when it came.
    for (let at = start; !states.has(at); at++) {
      states.add(at)
      if (steps[at] !== '*' && steps[at] !== '**') break
    }
  }
  return states
}

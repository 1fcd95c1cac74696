/** Globs over names: `**` is any run of characters, `*` any run within a part between slashes, and all else is itself. */

/**
 * Whether the glob is the whole of the text. All ways to read the text are followed at once, so that it takes as long as
 * the two lengths say, and no longer for a text that was made to be hard.
 */
export function fitsGlob(glob: string, text: string): boolean {
  const tokens = glob.match(/\*\*|[^]/g) ?? []
  let places = reach([0], tokens)
  for (let at = 0; at < text.length && places.length > 0; at++) places = step(places, text.charAt(at), tokens)
  return places.includes(tokens.length)
}

/** Where one may stand in the glob after one more character. */
function step(places: readonly number[], character: string, tokens: readonly string[]): readonly number[] {
  const next = places.flatMap(place => {
    const token = tokens[place]
    if (token === '**' || (token === '*' && character !== '/')) return [place]
    // A star in the text is no star in the glob.
    return token === character && token !== '*' ? [place + 1] : []
  })
  return reach(next, tokens)
}

/** And where one may stand without any: behind a star, which may be nothing. Each place once, in ascending order. */
function reach(places: readonly number[], tokens: readonly string[]): readonly number[] {
  const reached: number[] = []
  for (const place of places) {
    const last = reached.at(-1) ?? -1
    for (let at = Math.max(place, last + 1), isOpen = at === place; isOpen; at++) {
      reached.push(at)
      isOpen = tokens[at] === '*' || tokens[at] === '**'
    }
  }
  return reached
}

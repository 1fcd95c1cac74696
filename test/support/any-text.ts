/** Text of whatever characters there are. */
import fc from 'fast-check'

/** fast-check has the same (`unit: 'binary'`), and makes a table of all characters first, which takes longer than most tests. */
export function anyText(constraints: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  const below = fc.integer({ min: 0, max: 0xd7ff })
  const above = fc.integer({ min: 0xe000, max: 0x10ffff })
  return fc.array(fc.oneof(below, above), constraints).map(points => String.fromCodePoint(...points))
}

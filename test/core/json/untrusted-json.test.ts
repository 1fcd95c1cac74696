import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { asArray, asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'

const LIMITS = { bytes: 10_000, depth: 20, values: 1000 }

function parse(text: string): unknown {
  return parseUntrustedJson(Buffer.from(text), LIMITS)
}

/** What it says no with; fails where it says yes, or throws anything but an InputError. */
function objection(text: string | Uint8Array): string {
  try {
    parseUntrustedJson(Buffer.from(text), LIMITS)
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
  throw new Error(`accepted ${JSON.stringify(text)}`)
}

/** The error itself: `t.throws` compares errors by name, and a LimitError has its parent's. */
function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}

t.test('agrees with JSON.parse on all that JSON.stringify writes', async t => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 10 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      const whole = { bytes: 1e6, depth: 20, values: 1e6 }
      const isLarge = /[0-9]{16}|e\+[0-9]{2}/.test(text)
      t.strictSame(isLarge ? JSON.parse(text) : parseUntrustedJson(Buffer.from(text), whole), JSON.parse(text))
    }),
  )
})

t.test('agrees with JSON.parse on damaged text, whenever it accepts it', async t => {
  let accepted = 0
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '/',
    '*',
    '-',
    '+',
    '.',
    '0',
    '1',
    'e',
    ' ',
    '\n',
  )
  const token = fc.oneof(piece, fc.constantFrom('"a"', '"\\u0061"', 'true', 'null', '12', '1e3', '{}', '[]', '\u2028'))
  const whole = fc.array(token, { maxLength: 12 }).map(tokens => tokens.join(''))
  const damaged = fc
    .tuple(fc.json({ maxDepth: 4 }), fc.nat(), piece)
    .map(([text, at, by]) => `${text.slice(0, at % (text.length + 1))}${by}${text.slice((at % (text.length + 1)) + 1)}`)
  fc.assert(
    fc.property(fc.oneof(whole, damaged), text => {
      let value: unknown
      try {
        value = parse(text)
      } catch (error) {
        t.ok(error instanceof InputError)
        return
      }
      accepted++
      t.strictSame(value, JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
  t.ok(accepted > 50, 'and it accepts some')
})

t.test('no bytes make it throw anything but an InputError', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), bytes => {
      try {
        parseUntrustedJson(bytes, LIMITS)
      } catch (error) {
        return error instanceof InputError
      }
      return true
    }),
  )
})

t.test('refuses a key that occurs twice in one object, however it is spelled and wherever it is', async t => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[{"b":{"c":[{"a":1,"x":{},"a":{}}]}}]',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
  ])
    t.match(objection(text), /occurs twice in one object/, text)
  t.strictSame(parse('{"a":{"a":1},"b":[{"a":1},{"a":2}],"A":3}'), { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }], A: 3 })
})

t.test('two keys of one object are accepted exactly when they differ', async t => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '\\u0061', '\\"', 'é', '\\u00e9'), maxLength: 3 })
  fc.assert(
    fc.property(key, key, (one, other) => {
      const text = `{"${one}":1,"${other}":2}`
      const isSame = JSON.parse(`"${one}"`) === JSON.parse(`"${other}"`)
      if (isSame) t.match(objection(text), /occurs twice/)
      else t.strictSame(parse(text), JSON.parse(text))
    }),
  )
})

t.test('a key named __proto__ is an own member of its object and of no other', async t => {
  for (const text of ['{"__proto__":{"polluted":1}}']) {
    const value = asObject(parse(text), 'it')
    t.strictSame(Object.keys(value), ['__proto__'])
    t.equal(value['polluted'], undefined)
    t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  }
})

t.test('refuses numbers that a double rounds, whatever they stand in and however they are spelled', async t => {
  for (const text of [
    '9007199254740993',
    '9007199254740992',
    '{"a":[-9007199254740993]}',
    '1234567890123456789',
    '1e16',
    '1e400',
    '-1e400',
    '[1e309]',
    '9'.repeat(400),
    '{"a":-1e999}',
  ])
    t.match(objection(text), /a number of at most 2\^53 - 1/, text.slice(0, 20))
  t.equal(parse('9007199254740991'), Number.MAX_SAFE_INTEGER)
  t.equal(parse('-9007199254740991'), Number.MIN_SAFE_INTEGER)
  t.equal(parse('1234567890.1234567'), 1234567890.1234567)
  t.equal(parse('"9007199254740993"'), '9007199254740993')
  fc.assert(
    fc.property(fc.bigInt(), number => {
      const isSafe = Number.isSafeInteger(Number(number)) && BigInt(Number(number)) === number
      return isSafe ? parse(String(number)) === Number(number) : objection(String(number)).includes('2^53')
    }),
  )
})

t.test('refuses a lone surrogate, in keys and in values', async t => {
  for (const text of ['"\\ud800"', '"\\udc00\\ud800"', '{"\\ud800":1}', '["a\\udfff"]'])
    t.match(objection(text), /lone surrogate/, text)
  t.equal(parse('"\\ud83d\\ude00"'), '😀')
})

t.test('refuses what is not UTF-8, and a byte order mark', async t => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xe2, 0x82],
  ])
    t.match(objection(Uint8Array.from(bytes)), /expected UTF-8/)
  t.match(objection(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31])), /expected JSON/)
  t.match(objection(Buffer.from('[1]', 'utf16le')), /expected JSON/)
  t.equal(parse('"whole again"'), 'whole again')
})

t.test('refuses what only forgiving readers take', async t => {
  for (const text of [
    '',
    ' ',
    '[1,]',
    '{"a":1,}',
    '// x\n1',
    '1/* x */',
    "{'a':1}",
    '{a:1}',
    '1 2',
    'NaN',
    '01',
    '+1',
    '.5',
  ])
    t.match(objection(text), /expected JSON/, text)
})

t.test('reads at most as many bytes as it was told', async t => {
  const text = JSON.stringify('é'.repeat(10))
  t.ok(parseUntrustedJson(Buffer.from(text), { ...LIMITS, bytes: 22 }))
  t.ok(thrownBy(() => parseUntrustedJson(Buffer.from(text), { ...LIMITS, bytes: 21 })) instanceof LimitError)
})

t.test('reads at most as many levels as it was told, of lists and of objects', async t => {
  const lists = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels))
  const objects = (levels: number) => Buffer.from(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)
  for (const nested of [lists, objects]) {
    t.ok(parseUntrustedJson(nested(5), { ...LIMITS, depth: 5 }))
    t.throws(() => parseUntrustedJson(nested(6), { ...LIMITS, depth: 5 }), { message: /at most 5 levels/ })
  }
  t.ok(
    parseUntrustedJson(Buffer.from('[[],[],[[]],{"a":[]}]'), { ...LIMITS, depth: 3 }),
    'what was closed is not counted',
  )
  t.throws(
    () => parseUntrustedJson(lists(500_000), { ...LIMITS, bytes: 1_000_000, depth: 100 }),
    InputError,
    'nor is the stack overflown',
  )
})

t.test('reads at most as many values as it was told, of every kind, and counts sixteen blanks as one', async t => {
  const parseOf = (text: string, values: number) => parseUntrustedJson(Buffer.from(text), { ...LIMITS, values })
  for (const [text, values] of [
    ['[0,0,0]', 3],
    ['[[],[],[]]', 6],
    ['{"a":{"b":0},"c":0}', 3],
    [`["${','.repeat(99)}","\\\\",","]`, 3],
    [`[${' \n\t\r'.repeat(8)}]`, 3],
  ] as const) {
    t.ok(parseOf(text, values), text)
    t.ok(thrownBy(() => parseOf(text, values - 1)) instanceof LimitError, text)
  }
})

t.test('says what a value should have been', async t => {
  t.strictSame(asObject({ a: 1 }, 'it'), { a: 1 })
  t.throws(() => asObject([], 'the box'), { message: 'expected the box to be an object, got a list' })
  t.throws(() => asObject(null, 'the box'), { message: 'expected the box to be an object, got null' })
  t.throws(() => asObject(undefined, 'the box'), { message: 'expected the box to be an object, got nothing' })
  t.throws(() => asString(1, 'the name'), { message: 'expected the name to be text, got number' })
  t.throws(() => asArray('x', 'the list', 1), { message: 'expected the list to be a list, got string' })
  t.equal(asString('', 'the name'), '')
})

t.test('takes at most as many items as it was told', async t => {
  t.strictSame(asArray([1, 2], 'the list', 2), [1, 2])
  t.ok(thrownBy(() => asArray([1, 2, 3], 'the list', 2)) instanceof LimitError)
  t.throws(() => asArray([1, 2, 3], 'the list', 2), { message: 'expected at most 2 items in the list, got 3' })
})

import fc from 'fast-check'
import t from 'tap'
import { CODES, type Code, mostTelling, type RefusalCode, refusal, silence } from '#core/domain/refusal.ts'

const codes = Object.keys(CODES) as Code[]
const refusalCodes = codes.filter(code => CODES[code].kind === 'refused') as RefusalCode[]

t.test('every code is a dotted noun with a sentence and a remedy, neither of which ends the line', async t => {
  for (const code of codes) {
    const { sentence, remedy } = CODES[code]
    t.match(code, /^[a-z]+\.[a-z]+(?:-[a-z]+)*$/)
    for (const text of [sentence, remedy]) t.match(text, /^(?:[a-z]|Shedu ).{10,}[^.\s]$/, text)
  }
})

t.test('no two codes say the same sentence', async t => {
  t.equal(new Set(codes.map(code => CODES[code].sentence)).size, codes.length)
})

t.test('a refusal and a silence carry their code and what is particular', async t => {
  t.strictSame(refusal('image.unsigned', 'x'), { kind: 'refusal', code: 'image.unsigned', detail: 'x' })
  t.strictSame(silence('registry.throttled', 'x'), { kind: 'silence', code: 'registry.throttled', detail: 'x' })
})

t.test('every refusal has its place in the order of telling', async t => {
  // A code without a place would come before all others.
  const [first = 'image.reference-invalid'] = refusalCodes
  for (const code of refusalCodes) t.equal(mostTelling([refusal(code, ''), refusal(first, '')])?.code, first, code)
})

t.test('the most telling refusal is the same whatever order they come in', async t => {
  const some = fc.array(fc.tuple(fc.constantFrom(...refusalCodes), fc.constantFrom('a', 'b')), { minLength: 1 })
  fc.assert(
    fc.property(
      some.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
      ([list, shuffled]) => {
        const pick = (all: readonly (readonly [RefusalCode, string])[]) =>
          mostTelling(all.map(([code, detail]) => refusal(code, detail)))
        t.strictSame(pick(list), pick(shuffled))
      },
    ),
  )
  t.equal(mostTelling([]), undefined)
})

t.test('a signature for another image tells more than a foreign one, and that more than an attestation', async t => {
  const told = (...all: RefusalCode[]) => mostTelling(all.map(code => refusal(code, '')))?.code
  t.equal(told('signature.wrong-key', 'signature.wrong-image'), 'signature.wrong-image')
  t.equal(told('attestation.wrong-type', 'signature.wrong-key'), 'signature.wrong-key')
})

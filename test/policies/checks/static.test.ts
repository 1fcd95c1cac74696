import t from 'tap'
import type { Static } from '#policies/checks/static.ts'
import { judgeStatic } from '#policies/checks/static.ts'
import { fixed } from '#test/policies/make-policy.ts'

const pass = fixed('pass') as Static

t.test('is satisfied without a proof where the policy lets the image pass', async t => {
  t.strictSame(judgeStatic(pass, true), { kind: 'satisfied', proofs: [] })
})

t.test('refuses with the message of the policy where the policy forbids the image', async t => {
  const codeAndDetail = (message: string) => judgeStatic(fixed('fail', message, 'ban') as Static, true)
  t.match(codeAndDetail('use the mirror'), {
    kind: 'refused',
    complaints: [{ authority: 'ban', because: { code: 'policy.static-deny', detail: 'use the mirror' } }],
  })
  t.match(codeAndDetail(''), { kind: 'refused', complaints: [{ because: { detail: 'no reason is given' } }] })
})

t.test('lets nothing pass, and forbids nothing, of which it is unknown whether the policy speaks of it', async t => {
  for (const leaf of [pass, fixed('fail') as Static])
    t.match(judgeStatic(leaf, false), { kind: 'refused', complaints: [{ because: { code: 'image.not-pinned' } }] })
})

import * as fc from 'fast-check'
import t from 'tap'
import type { CertificateIdentity } from '#core/domain/identity.ts'
import { identityName } from '#core/domain/identity.ts'

function certified(issuer: string, ...subjects: readonly string[]): CertificateIdentity {
  return { kind: 'certificate', issuer, subjects, claims: {} }
}

const names = fc.oneof(fc.constantFrom('', 'a', 'b', '"', ',', '","', 'a","b', '[', ']', '\\', ' '), fc.string())

t.test('a key is named by its fingerprint', async t => {
  const name = identityName({ kind: 'key', fingerprint: 'ab'.repeat(32) })
  t.equal(name, identityName({ kind: 'key', fingerprint: 'ab'.repeat(32) }))
  t.not(name, identityName({ kind: 'key', fingerprint: 'cd'.repeat(32) }))
})

t.test('whoever is certified again is the same signer, whatever else the certificate says of the signing', async t => {
  const first = certified('https://issuer.test', 'me@a.test', 'https://a.test/')
  const again = {
    ...certified('https://issuer.test', 'https://a.test/', 'me@a.test'),
    claims: { buildTrigger: 'push' },
  }
  t.equal(identityName(first), identityName(again))
  t.strictSame(again.subjects, ['https://a.test/', 'me@a.test'], 'the identity itself stays as it was')
})

t.test('another issuer or another subject is another signer', async t => {
  const all = [
    certified('https://issuer.test', 'me@a.test'),
    certified('https://other.test', 'me@a.test'),
    certified('https://issuer.test', 'you@a.test'),
    certified('https://issuer.test', 'me@a.test', 'you@a.test'),
    certified('https://issuer.test', 'me@a.test,you@a.test'),
    certified('me@a.test', 'https://issuer.test'),
  ]
  t.equal(new Set(all.map(identityName)).size, all.length)
})

t.test('no key and no certificate share a name, whatever the names within', async () => {
  fc.assert(
    fc.property(names, names, fc.array(names, { minLength: 1 }), (fingerprint, issuer, subjects) => {
      return identityName({ kind: 'key', fingerprint }) !== identityName(certified(issuer, ...subjects))
    }),
  )
})

t.test('two certificates have one name exactly when issuer and set of subjects are the same', async () => {
  const some = fc.array(names, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(names, names, some, some, (issuer, otherIssuer, subjects, others) => {
      const isSame = issuer === otherIssuer && subjects.toSorted().join('\0') === others.toSorted().join('\0')
      return (
        (identityName(certified(issuer, ...subjects)) === identityName(certified(otherIssuer, ...others))) === isSame
      )
    }),
  )
})

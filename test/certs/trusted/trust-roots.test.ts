import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MOST_TRUST_ROOTS } from '#certs/trusted/folder-content.ts'
import { readTrustRoots } from '#certs/trusted/trust-roots.ts'
import { InputError } from '#core/domain/input-error.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import { makeTrustedRoot } from './make-trusted-root.ts'

const RECORDED = readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'images', 'trusted_root.json'), 'utf8')
const MADE = JSON.stringify(makeTrustedRoot())

t.test('each file is the trust root of its name; files of other names are named, hidden ones are not', async t => {
  const folder = t.testdir({
    'default.json': RECORDED,
    'acme.internal.json': MADE,
    'README.md': '',
    'old.json.bak': 'x',
    '.hidden.json': 'x',
    '..data': {},
  })
  const { roots, ignored } = await readTrustRoots(folder)
  t.strictSame([...roots.keys()].toSorted(), ['acme.internal', DEFAULT_TRUST_ROOT])
  t.equal(roots.get('acme.internal')?.name, 'acme.internal')
  t.equal(roots.get('default')?.logs.length, 2)
  t.not(roots.get('default')?.version, roots.get('acme.internal')?.version)
  t.strictSame(ignored, [join(folder, 'README.md'), join(folder, 'old.json.bak')])
})

t.test('links are followed: that is how Kubernetes mounts a ConfigMap', async t => {
  const folder = t.testdir({ '..2026_11_21': { 'default.json': RECORDED } })
  symlinkSync('..2026_11_21', join(folder, '..data'))
  symlinkSync('..data/default.json', join(folder, 'default.json'))
  t.strictSame([...(await readTrustRoots(folder)).roots.keys()], ['default'])
})

t.test('a fault names the file, and none of the folder is taken', async t => {
  const folder = t.testdir({
    'default.json': RECORDED,
    'zzz.json': RECORDED.replace('PKIX_ED25519', 'PKIX_ED25519_PH'),
  })
  await t.rejects(readTrustRoots(folder), {
    name: 'InputError',
    message: /zzz\.json: expected tlogs\[0\]\.publicKey\.keyDetails to be one of .*, got "PKIX_ED25519_PH"$/,
  })
})

t.test('a name that no policy can write is refused', async t => {
  for (const file of ['Default.json', 'a_b.json', '-.json']) {
    const folder = t.testdir({ [file]: MADE })
    await t.rejects(readTrustRoots(folder), {
      name: 'InputError',
      message: `${join(folder, file)}: expected a name that policies can use (lower case letters, digits, dashes and dots) before .json`,
    })
  }
})

t.test('what is no folder, no file, or not there, is said to be so', async t => {
  const folder = t.testdir({ file: '', empty: {}, folders: { 'default.json': {} }, links: {}, devices: {} })
  symlinkSync('nowhere', join(folder, 'links', 'default.json'))
  symlinkSync('/dev/zero', join(folder, 'devices', 'default.json'))
  for (const [name, message] of [
    ['missing', `cannot read the folder ${join(folder, 'missing')}: it does not exist`],
    ['file', `cannot read the folder ${join(folder, 'file')}: it is a file, not a folder`],
    ['empty', `there is no trust root in ${join(folder, 'empty')}: expected NAME.json`],
    ['folders', `cannot read ${join(folder, 'folders', 'default.json')}: it is no file`],
    ['links', `cannot read ${join(folder, 'links', 'default.json')}: it does not exist`],
    ['devices', `cannot read ${join(folder, 'devices', 'default.json')}: it is no file`],
  ] as const)
    await t.rejects(readTrustRoots(join(folder, name)), { name: 'InputError', message }, name)
})

t.test('reads as many trust roots as there may be, and no more', async t => {
  const folder = t.testdir({})
  for (let at = 0; at < MOST_TRUST_ROOTS; at++) writeFileSync(join(folder, `root-${at}.json`), MADE)
  t.equal((await readTrustRoots(folder)).roots.size, MOST_TRUST_ROOTS)
  writeFileSync(join(folder, 'one-more.json'), MADE)
  await t.rejects(readTrustRoots(folder), { message: `expected at most 32 trust roots in ${folder}, got 33` })
})

t.test('a file is read up to its bound, and a folder of anything else is not read at all', async t => {
  const folder = t.testdir({ large: {}, larger: {}, crowd: {} })
  writeFileSync(join(folder, 'large', 'a.json'), Buffer.alloc(1024 * 1024, '0'))
  await t.rejects(readTrustRoots(join(folder, 'large')), { message: /a\.json: expected/ })
  writeFileSync(join(folder, 'larger', 'a.json'), Buffer.alloc(1024 * 1024 + 1, '0'))
  await t.rejects(readTrustRoots(join(folder, 'larger')), { message: /a\.json: expected at most 1048576 bytes$/ })
  for (let at = 0; at < 1000; at++) mkdirSync(join(folder, 'crowd', `${at}`))
  await t.rejects(readTrustRoots(join(folder, 'crowd')), { message: /^there is no trust root in/ })
  mkdirSync(join(folder, 'crowd', '1000'))
  await t.rejects(readTrustRoots(join(folder, 'crowd')), { message: /^expected at most 1000 files in .*, got 1001$/ })
})

t.test('a trust root that its user could not verify with is told with its file, before it is in force', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const check = ({ name }: { readonly name: string }) => {
    throw new InputError(`the authority of ${name} cannot be read`)
  }
  const message = `${folder}/default.json: the authority of default cannot be read`
  await t.rejects(readTrustRoots(folder, check), { name: 'InputError', message })
})

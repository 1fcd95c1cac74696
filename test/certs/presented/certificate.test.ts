import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import t from 'tap'
import { issueServingCertificate } from '#certs/presented/issue.ts'
import { readServingCertificate } from '#certs/presented/load.ts'
import { InputError } from '#core/domain/input-error.ts'
import { errorLine } from '#core/runtime/error-line.ts'

const NOW = new Date('2026-11-21T10:00:00Z')
const DAY = 24 * 60 * 60 * 1000
const HOSTS = ['shedu.shedu-system.svc', 'localhost', '127.0.0.1', '::1']

t.test('an issued certificate is for these hosts, for serving, for so long, and under its own authority', async t => {
  const { ca, cert, notAfter } = await issueServingCertificate(HOSTS, DAY, NOW)
  const leaf = new X509Certificate(cert)
  const authority = new X509Certificate(ca)
  t.ok(authority.ca)
  t.notOk(leaf.ca)
  t.ok(leaf.checkIssued(authority))
  t.ok(leaf.verify(authority.publicKey))
  t.ok(authority.verify(authority.publicKey))
  t.strictSame(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'serverAuth and nothing else')
  t.equal(leaf.checkHost('shedu.shedu-system.svc'), 'shedu.shedu-system.svc')
  t.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1')
  t.ok(leaf.checkIP('::1'))
  t.equal(leaf.checkHost('shedu.other.svc'), undefined)
  t.equal(leaf.validToDate.getTime(), NOW.getTime() + DAY)
  t.equal(notAfter.getTime(), leaf.validToDate.getTime())
  t.ok(leaf.validFromDate < NOW, 'a clock that is a little behind believes it')
  t.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
})

t.test('every certificate has a key and a serial number of its own', async t => {
  const [one, two] = [await issueServingCertificate(HOSTS, DAY, NOW), await issueServingCertificate(HOSTS, DAY, NOW)]
  t.not(one.key, two.key)
  t.not(new X509Certificate(one.cert).serialNumber, new X509Certificate(two.cert).serialNumber)
  t.notOk(new X509Certificate(one.cert).verify(new X509Certificate(two.ca).publicKey))
  t.match(new X509Certificate(one.cert).serialNumber, /^[0-7][0-9A-F]{31}$/)
})

t.test('a TLS client that trusts the authority accepts the certificate for its hosts only', async t => {
  const { ca, cert, key } = await issueServingCertificate(['localhost'], DAY, new Date())
  const server = tls.createServer({ cert, key }, socket => socket.end('hello'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const connect = async (servername: string) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca, servername })
    try {
      await once(socket, 'secureConnect')
      return 'accepted'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    } finally {
      socket.destroy()
    }
  }
  t.equal(await connect('localhost'), 'accepted')
  t.equal(await connect('other.example'), 'ERR_TLS_CERT_ALTNAME_INVALID')
})

t.test('files that fit each other are read', async t => {
  const { cert, key } = await issueServingCertificate(HOSTS, DAY, NOW)
  const dir = t.testdir({ 'tls.crt': cert, 'tls.key': key })
  const read = await readServingCertificate(join(dir, 'tls.crt'), join(dir, 'tls.key'), NOW)
  t.equal(read.cert, cert)
  t.equal(read.key, key)
  t.equal(read.notAfter.getTime(), NOW.getTime() + DAY)
})

t.test('files that would fail later are refused now, with the file and the reason', async t => {
  const [mine, other] = [await issueServingCertificate(HOSTS, DAY, NOW), await issueServingCertificate(HOSTS, DAY, NOW)]
  const dir = t.testdir({
    'tls.crt': mine.cert,
    'tls.key': mine.key,
    'other.key': other.key,
    'ca.crt': mine.ca,
    'empty.crt': '',
    'garbage.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    folder: {},
  })
  writeFileSync(join(dir, 'huge.crt'), mine.cert + ' '.repeat(256 * 1024))
  const complaint = async (cert: string, key: string, now = NOW) => {
    const error: unknown = await readServingCertificate(join(dir, cert), join(dir, key), now).catch((e: unknown) => e)
    return error instanceof InputError ? errorLine(error) : 'no InputError'
  }
  t.match(await complaint('none.crt', 'tls.key'), /cannot read the certificate ".*none\.crt": ENOENT/)
  t.match(await complaint('tls.crt', 'none.key'), /cannot read the key ".*none\.key": ENOENT/)
  t.match(await complaint('folder', 'tls.key'), /cannot read the certificate ".*folder": EISDIR/)
  t.match(await complaint('huge.crt', 'tls.key'), /huge\.crt": expected at most 262144 bytes/)
  t.match(await complaint('empty.crt', 'tls.key'), /expected a certificate in PEM in ".*empty\.crt"/)
  t.match(await complaint('garbage.crt', 'tls.key'), /expected a certificate in PEM in ".*garbage\.crt"/)
  t.match(await complaint('tls.key', 'tls.key'), /expected a certificate in PEM in ".*tls\.key"/)
  t.match(await complaint('tls.crt', 'tls.crt'), /expected an unencrypted private key in PEM in ".*tls\.crt"/)
  t.match(
    await complaint('tls.crt', 'other.key'),
    /the key in ".*other\.key" does not belong to the certificate in ".*tls\.crt"/,
  )
  t.match(await complaint('tls.crt', 'tls.key', new Date(NOW.getTime() + DAY + 1000)), /expired at 2026-11-22T10:00:00/)
  t.match(await complaint('tls.crt', 'tls.key', new Date(NOW.getTime() - DAY)), /not valid before 2026-11-21T09:55:00/)
})

t.test('a certificate without a subject alternative name is refused, for the API server would refuse it', async t => {
  const { cert, key } = await issueServingCertificate([], DAY, NOW)
  const dir = t.testdir({ 'tls.crt': cert, 'tls.key': key })
  await t.rejects(
    readServingCertificate(join(dir, 'tls.crt'), join(dir, 'tls.key'), NOW),
    /expected a subject alternative name/,
  )
})

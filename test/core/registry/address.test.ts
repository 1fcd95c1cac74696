import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { inNetworks, isOwnMachine, isPrivateName, isReservedAddress, parseNetwork } from '#core/registry/address.ts'

t.test('this machine, its link, private networks and clouds’ own services are reserved, to their edges', async t => {
  for (const host of [
    '0.0.0.0',
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '172.16.0.0',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.255.255',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fc00::',
    'fd00:ec2::254',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '64:ff9b:1::8.8.8.8',
  ])
    t.ok(isReservedAddress(host), host)
  for (const host of [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '168.63.129.17',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    'fbff::1',
    '64:ff9b:2::1',
  ])
    t.notOk(isReservedAddress(host), host)
})

t.test('a reserved address is one in each way that IPv6 has of writing IPv4 addresses, and others are not', async t => {
  for (const [four, hex] of [
    ['10.1.2.3', 'a01:203'],
    ['127.0.0.1', '7f00:1'],
    ['169.254.169.254', 'a9fe:a9fe'],
    ['192.168.1.1', 'c0a8:101'],
    ['168.63.129.16', 'a83f:8110'],
  ])
    for (const host of [
      `::ffff:${four}`,
      `::ffff:${hex}`,
      `64:ff9b::${four}`,
      `64:ff9b::${hex}`,
      `::${four}`,
      `2002:${hex}::1`,
    ])
      t.ok(isReservedAddress(host), host)
  for (const host of ['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1']) t.notOk(isReservedAddress(host), host)
})

t.test('a name is no address, whatever it looks like', async t => {
  for (const host of ['localhost', '127.0.0.1.example', '0x7f.1', '', '[::1]']) t.notOk(isReservedAddress(host), host)
})

t.test('loopback and link-local are another on each machine, and private networks are not', async t => {
  for (const host of [
    'localhost',
    'r.localhost',
    '127.9.9.9',
    '0.0.0.0',
    '169.254.169.254',
    '::',
    '::1',
    'fe80::1',
    '::ffff:127.0.0.1',
  ])
    t.ok(isOwnMachine(host), host)
  for (const host of ['10.0.0.1', '192.168.0.1', 'fd00::1', '1.1.1.1', 'localhost.example', 'fec0::1'])
    t.notOk(isOwnMachine(host), host)
})

t.test('a name that no public name server knows is told by its end', async t => {
  for (const host of [
    'metadata.google.internal',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local.',
    'printer',
    'NAS.Local',
    'x.home.arpa',
  ])
    t.ok(isPrivateName(host), host)
  for (const host of ['ghcr.io', 'internal.example', 'svc.example', 'r.notlocal', '10.0.0.1', 'fd00::1'])
    t.notOk(isPrivateName(host), host)
})

t.test('a network is an address and as many bits as it may have', async t => {
  t.strictSame(['10.0.0.0/8', '192.0.2.7/32', '0.0.0.0/0', 'fd00::/8', '::/128'].map(parseNetwork), [
    ['10.0.0.0', 8],
    ['192.0.2.7', 32],
    ['0.0.0.0', 0],
    ['fd00::', 8],
    ['::', 128],
  ])
  for (const bad of [
    '10.0.0.0',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'x.example/8',
    '10.0.0.0/',
    'fe80::1%eth0/64',
    '/8',
  ])
    t.throws(() => parseNetwork(bad), InputError, bad)
  const isIn = inNetworks([parseNetwork('192.0.2.0/24'), parseNetwork('2001:db8:5::/48')])
  for (const host of [
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '::ffff:0:192.0.2.1',
    '64:ff9b::192.0.2.1',
    '2002:c000:201::1',
    '2001:db8:5::1',
  ])
    t.ok(isIn(host), host)
  for (const host of ['192.0.3.1', '2001:db8:6::1', 'r.example', '10.0.0.1']) t.notOk(isIn(host), host)
})

import t from 'tap'
import { isReservedAddress } from '#core/registry/address.ts'

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

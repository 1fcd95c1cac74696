import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { readRegistries } from '#assembly/read-registries.ts'
import { InputError } from '#core/domain/input-error.ts'
import { registryOf } from '#core/registry/registries.ts'

/** A registries file that names a folder with these files in it. */
function write(t: Test, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [file, hosts] = [join(folder, 'registries.yaml'), join(folder, 'certs.d')]
  writeFileSync(file, `registries: []\ncontainerdHosts: ${hosts}\n`)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(hosts, name)), { recursive: true })
    writeFileSync(join(hosts, name), text)
  }
  return { file, hosts }
}

const complaint = (file: string) => {
  try {
    readRegistries(file)
    return 'accepted'
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

t.test('without a file, every registry is a stranger', async t => {
  t.equal(readRegistries(undefined).size, 0)
})

t.test('the folder is read, links of a mounted ConfigMap followed, and what else lies there passed over', async t => {
  const { file, hosts } = write(t, {
    '..2026_11_28/docker.io/hosts.toml': '[host."https://m.example"]',
    'r.example_5000_/hosts.toml': 'server = "https://r.example:5000"',
    'notes.txt': 'x',
  })
  symlinkSync('..2026_11_28', join(hosts, '..data'))
  symlinkSync('..data/docker.io', join(hosts, 'docker.io'))
  symlinkSync('nowhere', join(hosts, 'gone.example'))
  const registries = readRegistries(file)
  t.strictSame([...registries.keys()], ['index.docker.io', 'r.example:5000'])
  t.equal(registryOf(registries, 'index.docker.io').mirrors[0]?.reach.origin, 'https://m.example')
})

t.test('what is wrong is said by both files, and a folder that is not there is wrong', async t => {
  const skipping = write(t, { 'docker.io/hosts.toml': '\nskip_verify = true' })
  t.ok(
    complaint(skipping.file).startsWith(
      `${skipping.file}: containerdHosts: ${skipping.hosts}/docker.io/hosts.toml:2: skip_verify: expected false`,
    ),
    complaint(skipping.file),
  )
  t.match(complaint(write(t, {}).file), /registries\.yaml: containerdHosts: folder: ".*certs\.d" cannot be read$/)
})

t.test('a file is read up to 1 MiB, and only if it is one', async t => {
  const big = write(t, { 'docker.io/hosts.toml': `#${'x'.repeat(1024 * 1024)}` })
  t.match(complaint(big.file), /hosts\.toml" cannot be read: expected at most 1048576 bytes, got 1048577$/)
  const endless = write(t, { 'docker.io/hosts.toml': 'ca = "/dev/zero"' })
  t.match(complaint(endless.file), /hosts\.toml:1: ca: file: "\/dev\/zero" cannot be read: expected a file$/)
  const folder = write(t, { 'docker.io/hosts.toml/x': '' })
  t.match(complaint(folder.file), /hosts\.toml" cannot be read: expected a file$/)
})

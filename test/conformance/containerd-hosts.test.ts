/** The webhook and `shedu check` read one folder of containerd's by the same path, and go the same ways by it. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { makeKeyPolicy, startWebhook } from '#test/support/webhook-process.ts'

t.setTimeout(120_000)

t.test(
  'an image of a registry that nobody could reach is admitted by what its hosts have, and refused for it',
  async t => {
    const [mirror, standIn] = [await startRegistry(t), await startRegistry(t)]
    const data = await standIn.key('release')
    const signed = await standIn.image({ repository: 'shop/signed' })
    await standIn.sign({ repository: 'shop/signed', digest: signed.digest, key: 'release' })
    await standIn.image({ repository: 'shop/unsigned' })
    // It has the image and not the signature, which is no reason to refuse it.
    await mirror.image({ repository: 'shop/signed' })

    const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const [hosts, registriesFile] = [join(folder, 'certs.d'), join(folder, 'registries.json')]
    mkdirSync(join(hosts, 'shop.example'), { recursive: true })
    const write = (text: string) => writeFileSync(join(hosts, 'shop.example', 'hosts.toml'), text)
    write(`server = "http://${standIn.host}"\n[host."http://${mirror.host}"]\n  capabilities = ["pull"]\n`)
    const registries = [mirror, standIn].map(({ host }) => ({ host, plainHttp: true }))
    writeFileSync(registriesFile, JSON.stringify({ registries, containerdHosts: hosts }))
    const policy = makeKeyPolicy('shop', 'shop.example/**', [{ data }])
    const webhook = await startWebhook(t, standIn.host, [policy], { SHEDU_REGISTRIES_FILE: registriesFile })
    const flags = ['--policies', webhook.policiesDir, '--registries', registriesFile]
    const check = (input: string) =>
      spawnSync(process.execPath, ['cli/main.ts', 'check', '-f', '-', ...flags], { input, env: {} })

    for (const [name, isAdmitted, code] of [
      ['signed', true, ''],
      ['unsigned', false, 'image.unsigned'],
      ['gone', false, 'image.not-found'],
    ] as const) {
      const pod = { ...makePod(`shop.example/shop/${name}:v1`), metadata: { name } }
      const answer = await webhook.create(pod)
      t.equal(answer.allowed, isAdmitted, `${name}: ${answer.status?.message}`)
      t.ok((answer.status?.message ?? '').includes(code), name)
      const { status, stdout } = check(JSON.stringify(pod))
      t.equal(status, isAdmitted ? 0 : 1, stdout.toString())
      t.ok(stdout.toString().includes(code), name)
    }
    const path = `/v2/shop/signed/manifests/${signed.digest}?ns=shop.example`
    t.ok((await mirror.requests()).some(request => request.path === path))

    write(`server = "http://${standIn.host}"\n[host."http://${mirror.host}"]\n  skip_verify = true\n`)
    const broken = check(JSON.stringify(makePod('shop.example/shop/signed:v1')))
    t.equal(broken.status, 2)
    t.match(broken.stderr.toString(), /shop\.example\/hosts\.toml:3: host\.".*"\.skip_verify: expected false/)
    const env = {
      SHEDU_PORT: '0',
      SHEDU_OPS_PORT: '0',
      SHEDU_TLS_CA_OUT: join(folder, 'ca.pem'),
      SHEDU_POLICIES_DIR: webhook.policiesDir,
      SHEDU_REGISTRIES_FILE: registriesFile,
    }
    const ended = spawnSync(process.execPath, ['webhook/main.ts'], { env, timeout: 60_000 })
    t.equal(ended.status, 2)
    t.match(ended.stderr.toString(), /hosts\.toml:3: .*skip_verify: expected false/)
  },
)

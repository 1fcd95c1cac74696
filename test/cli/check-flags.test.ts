import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { run } from '#cli/program.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { shedu } from './run-shedu.ts'

const policy = (action: 'pass' | 'fail') => `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: ${action}}
spec: {images: [{glob: "r.test/${action}/**"}], authorities: [{static: {action: ${action}}}]}
`
const pod = (name: string, image: string) =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: app, image: ${image}}]}\n`

/** Policies that need no registry: r.test/pass is admitted, r.test/fail refused. */
function stage(t: Test, files: Readonly<Record<string, string>> = {}) {
  const dir = t.testdir({
    policies: { 'pass.yaml': policy('pass'), 'fail.yaml': policy('fail') },
    deploy: { 'a.yaml': pod('a', 'r.test/pass/app:1'), 'b.yaml': pod('b', 'r.test/fail/app:1'), ...files },
  })
  const check = (...args: string[]) => shedu(['check', '--policies', join(dir, 'policies'), ...args])
  return { dir, deploy: join(dir, 'deploy'), check }
}

t.test('images given directly are judged as a Pod with each would be', async t => {
  const { deploy, check } = stage(t)
  const { code, stdout } = await check(
    '--image',
    'r.test/pass/app:1',
    'r.test/fail/app:1',
    '-f',
    join(deploy, 'a.yaml'),
  )
  t.equal(code, 1)
  t.match(
    stdout,
    /^admitted Pod default\/a .*\nadmitted image r.test\/pass\/app:1\nrefused image r.test\/fail\/app:1\n {4}image: r.test\/fail\/app:1\n {4}policy.static-deny/,
  )
  t.match(stdout, /\n3 objects: 2 admitted, 1 refused\n$/)
  t.equal((await check('--image', 'r.test/pass/app:1')).code, 0)
  const wrong = await check('--image', 'r.test/pass/app:1', 'https://r.test/x')
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /option '--image <reference...>' argument 'https:\/\/r.test\/x' is invalid. /)
  const neither = await check()
  t.strictSame([neither.code, neither.stdout], [2, ''])
  t.match(neither.stderr, /-f is missing: .* or an image with --image/)
})

t.test('an image given directly is pinned, proven and refused as one in a manifest is', async t => {
  const registry = await startRegistry(t)
  const key = (await registry.key('release')).trimEnd().replaceAll('\n', '\\n')
  const { digest } = await registry.image({ repository: 'shop/app' })
  const dir = t.testdir({
    policies: {
      'p.yaml': policy('pass')
        .replace('r.test/pass', registry.host)
        .replace('{static: {action: pass}}', `{key: {data: "${key}"}}`),
    },
    'registries.yaml': `registries: [{host: "${registry.host}", plainHttp: true}]\n`,
  })
  const args = ['check', '--policies', join(dir, 'policies'), '--registries', join(dir, 'registries.yaml')]
  const image = `${registry.host}/shop/app:v1`
  const unsigned = await shedu([...args, '--image', image])
  t.equal(unsigned.code, 1)
  t.match(
    unsigned.stdout,
    /^refused image .*\n {2}pinned .* → sha256:[0-9a-f]{64}\n {4}image: .*\n {4}image.unsigned: /,
  )
  await registry.sign({ repository: 'shop/app', digest, key: 'release' })
  const { code, stdout } = await shedu([...args, '--image', image, '-o', 'json'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    exitCode: 0,
    results: [
      { outcome: 'admitted', source: { kind: 'flag', file: image }, proofs: [{ proves: 'signature', digest }] },
    ],
  })
})

t.test('one run says what it found in several forms, each in its place', async t => {
  const { dir, deploy, check } = stage(t)
  const file = (name: string) => join(dir, name)
  const forms = ['json', 'sarif', 'junit', 'github', 'text'].flatMap(form => ['-o', `${form}=${file(form)}`])
  const { code, stdout } = await check('-f', deploy, ...forms)
  t.equal(code, 1)
  t.match(stdout, /^admitted Pod[\s\S]*\n2 objects: 1 admitted, 1 refused\n$/, 'text stays where people look')
  t.equal(readFileSync(file('text'), 'utf8'), stdout)
  t.equal(JSON.parse(readFileSync(file('json'), 'utf8')).summary.refused, 1)
  t.equal(JSON.parse(readFileSync(file('sarif'), 'utf8')).runs[0].results[0].ruleId, 'policy.static-deny')
  t.match(readFileSync(file('junit'), 'utf8'), '<testsuites name="shedu check" tests="2" failures="1"')
  t.match(readFileSync(file('github'), 'utf8'), /^::error file=.*b.yaml,line=4,col=40,title=policy.static-deny%3A /)

  const both = await check('-f', deploy, '-o', 'text', '-o', 'github')
  t.match(both.stdout, /^admitted Pod[\s\S]*\n::error .*\n2 objects: 1 admitted, 1 refused\n$/)
  t.match((await check('-f', deploy, '-o', 'junit')).stdout, /^<\?xml[\s\S]*<\/testsuites>\n$/)
})

t.test('forms that would be mixed up, and files that cannot be written, are known before any work', async t => {
  const { dir, deploy, check } = stage(t)
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['-o', 'yaml'], /argument 'yaml' is invalid. expected one of text, json, sarif, junit, github/],
    [['-o', 'sarif='], /expected the name of a file after sarif=/],
    [['-o', 'json', '-o', 'text'], /standard output takes one of json and text; give the other a file: text=FILE/],
    [['-o', 'sarif', '-o', 'junit'], /standard output takes one of/],
    [['-o', 'json=x', '-o', 'sarif=x'], /two forms would be written to x/],
    [['-o', 'json', '-o', 'json'], /expected each form once/],
    [['-o', `sarif=${dir}`], /-o sarif=.*: cannot be written \(EISDIR\)/],
    [['-o', `sarif=${join(dir, 'no', 'where')}`], /-o sarif=.*where: cannot be written \(ENOENT\)/],
  ]
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await check('-f', deploy, ...args)
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, message)
  }
})

t.test('no report of an earlier run is left to be read as that of one that failed', async t => {
  const { dir, deploy, check } = stage(t)
  const sarif = join(dir, 'shedu.sarif')
  await check('-f', deploy, '-o', `sarif=${sarif}`)
  t.not(statSync(sarif).size, 0)
  await check('-f', deploy, '-o', `sarif=${sarif}`, '-o', `junit=${dir}`)
  t.equal(statSync(sarif).size, 0)
  for (const wrong of [
    ['-f', join(dir, 'absent')],
    ['-f', deploy, '--registries', join(dir, 'absent')],
  ]) {
    writeFileSync(sarif, 'of a run that found nothing')
    t.equal((await check(...wrong, '-o', `sarif=${sarif}`)).code, 2)
    t.equal(statSync(sarif).size, 0, wrong.join(' '))
  }
})

t.test('no report is written over what is checked, or by way of a link to somewhere else', async t => {
  const { dir, deploy, check } = stage(t)
  const manifest = join(deploy, 'a.yaml')
  for (const file of [manifest, join(deploy, '..', 'deploy', 'a.yaml')]) {
    const { code, stderr } = await check('-f', deploy, '-o', `json=${file}`)
    t.equal(code, 2)
    t.match(stderr, /-o json=.*a.yaml: is one of the files that are checked, and would be lost/)
  }
  await check('-f', deploy, join(dir, 'absent'), '-o', `json=${manifest}`)
  t.equal(readFileSync(manifest, 'utf8'), pod('a', 'r.test/pass/app:1'))

  writeFileSync(join(dir, 'precious'), 'here')
  symlinkSync(join(dir, 'precious'), join(dir, 'shedu.sarif'))
  symlinkSync(join(dir, 'made'), join(dir, 'dangling'))
  for (const name of ['shedu.sarif', 'dangling'])
    for (const files of [[deploy], [join(dir, 'absent')]]) {
      const { code, stderr } = await check('-f', ...files, '-o', `sarif=${join(dir, name)}`)
      t.equal(code, 2)
      t.match(stderr, files[0] === deploy ? /-o sarif=.*: is a link: name what it leads to/ : /absent/)
    }
  t.equal(readFileSync(join(dir, 'precious'), 'utf8'), 'here')
  t.notOk(existsSync(join(dir, 'made')))
  t.equal((await check('-f', manifest, '-o', 'sarif=/dev/null')).code, 0)
})

t.test('what a folder holds besides objects is named, counted, and an error where that is asked for', async t => {
  const { deploy, check } = stage(t, { 'values.yaml': 'image: r.test/fail/x\n' })
  const { code, stderr, stdout } = await check('-f', deploy, '-o', 'json')
  t.equal(code, 1)
  t.equal(stderr, `note: ${join(deploy, 'values.yaml')}:1 is passed over, it is no Kubernetes object\n`)
  t.strictSame(JSON.parse(stdout).passedOver, [
    { file: `${join(deploy, 'values.yaml')}:1`, reason: 'no Kubernetes object' },
  ])
  const strict = await check('-f', deploy, '--strict')
  t.strictSame([strict.code, strict.stdout], [2, ''])
  t.match(strict.stderr, /values.yaml:1: with --strict, expected objects only; it is no Kubernetes object/)
  const { deploy: empty, check: again } = stage(t, { 'a.yaml': '{}', 'b.yaml': '[]' })
  const nothing = await again('-f', empty)
  t.equal(nothing.code, 2)
  t.match(nothing.stderr, /there are no objects in .*\n.*a.yaml:1 is passed over, it is no Kubernetes object\n/)
})

t.test('objects are judged so many at a time, and said in their order', async t => {
  const { deploy, check } = stage(t)
  for (const parallel of ['1', '64']) {
    const { code, stdout } = await check('-f', deploy, deploy, '--parallel', parallel)
    t.equal(code, 1)
    t.match(
      stdout,
      /^admitted Pod default\/a[\s\S]*refused Pod default\/b[\s\S]*admitted Pod default\/a[\s\S]*4 objects/,
    )
  }
  for (const parallel of ['0', '65', '-1', '1.5', 'many'])
    t.match((await check('-f', deploy, '--parallel', parallel)).stderr, /expected a number from 1 to 64/)
})

t.test('on a terminal it is shown how far the work is, and nothing of that stays', async t => {
  const registry = await startRegistry(t)
  const { digest } = await registry.image({ repository: 'shop/app' })
  await registry.faults([{ fault: { latencyMs: 1500 } }])
  const image = `${registry.host}/shop/app@${digest}`
  const { dir, deploy } = stage(t, { 'c.yaml': pod('c', image), 'd.yaml': pod('d', 'r.test/pass/app:1') })
  writeFileSync(join(dir, 'registries.yaml'), `registries: [{host: "${registry.host}", plainHttp: true}]\n`)
  writeFileSync(
    join(dir, 'policies', 'key.yaml'),
    policy('pass')
      .replace('r.test/pass', registry.host)
      .replace('{static: {action: pass}}', `{key: {data: ${JSON.stringify(await registry.key('release'))}}}`)
      .replace('name: pass', 'name: key'),
  )
  const args = [
    'check',
    '-f',
    deploy,
    '--policies',
    join(dir, 'policies'),
    '--registries',
    join(dir, 'registries.yaml'),
  ]
  const watch = async (more: readonly string[], environment: Readonly<Record<string, string>>) => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 50 })
    const stdout = new PassThrough()
    const code = await run([...args, ...more], { stdin: new PassThrough(), stdout, stderr }, environment)
    return { code, shown: await text(stderr.end()), said: await text(stdout.end()) }
  }
  const { code, shown, said } = await watch([], { TERM: 'xterm' })
  t.equal(code, 1)
  t.match(shown, /^2 of 4 checked, [01] s, waiting for Pod default\/c/)
  t.ok(shown.endsWith('\u001b[1G\u001b[2K'), 'the line is erased in the end')
  t.notMatch(said, 'checked')
  t.equal((await watch([], { TERM: 'dumb' })).shown, '')
  t.equal((await watch(['--quiet'], { TERM: 'xterm' })).shown, '')
})

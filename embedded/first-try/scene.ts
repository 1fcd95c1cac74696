/** What the first try is played on: images good and bad in the registry, and policies about them in a folder. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePod, makeReview } from './api-server.ts'
import type { RegistryControl } from './registry-control.ts'

const RECORDED_KEY = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'images', 'keys', 'p256.pub')

export type Scene = {
  readonly host: string
  readonly policiesDir: string
  readonly registriesFile: string
  /** Two files to try `shedu check` on. */
  readonly goodFile: string
  readonly badFile: string
  /** An AdmissionReview about the bad one. */
  readonly reviewFile: string
}

/** Builds and signs the images, breaks some of them, and writes policies and example Pods below `folder`. */
export async function setScene(registry: RegistryControl, folder: string): Promise<Scene> {
  const release = await registry.key('release')
  await registry.key('stranger')
  await makeImages(registry)
  const { host } = registry
  const policiesDir = join(folder, 'policies')
  mkdirSync(policiesDir)
  const recorded = readFileSync(RECORDED_KEY, 'utf8')
  const write = (name: string, text: string) => writeFileSync(join(policiesDir, `${name}.yaml`), text)
  write('shop-is-signed', policy('shop-is-signed', `${host}/shop/**`, 'enforce', release))
  write('trial', policy('trial', `${host}/trial/**`, 'warn', release))
  write('recorded', policy('recorded', `${host}/recorded/**`, 'enforce', recorded))
  const registriesFile = join(folder, 'registries.yaml')
  writeFileSync(registriesFile, `registries:\n  - host: "${host}"\n    plainHttp: true\n`)
  const goodFile = join(folder, 'good.yaml')
  const badFile = join(folder, 'bad.yaml')
  writeFileSync(goodFile, pod('good', `${host}/shop/web:v1`))
  writeFileSync(badFile, pod('bad', `${host}/shop/unsigned:v1`))
  const reviewFile = join(folder, 'review.json')
  writeFileSync(
    reviewFile,
    JSON.stringify(makeReview(randomUUID(), makePod([`${host}/shop/unsigned:v1`])), undefined, 2),
  )
  return { host, policiesDir, registriesFile, goodFile, badFile, reviewFile }
}

async function makeImages(registry: RegistryControl): Promise<void> {
  const build = async (repository: string, key?: string, tamper?: string) => {
    const digest = await registry.image(repository, 'v1', repository)
    if (key === undefined) return
    // cosign writes the bundle today and wrote the other layout for years: the first try shows both.
    const layout = tamper === undefined ? 'simple-signing' : 'bundle'
    await registry.sign({ repository, digest, key, layout, ...(tamper === undefined ? {} : { tamper }) })
  }
  await build('shop/web', 'release')
  await build('shop/side', 'release')
  await build('shop/unsigned')
  await build('shop/stranger', 'stranger')
  await build('shop/forged', 'release', 'payload')
  await build('shop/changed', 'release')
  await build('shop/moved', 'release')
  await registry.image('shop/moved', 'v1', 'something else under the same tag')
  await build('shop/down', 'release')
  await build('shop/slow', 'release')
  await build('trial/app')
  await build('elsewhere/app', 'release')
  await registry.faults([
    { repository: 'shop/changed', kind: 'manifest', reference: 'v1', fault: {} },
    { repository: 'shop/changed', kind: 'manifest', fault: { corruptByte: 20 } },
    { repository: 'shop/down', fault: { disconnect: true } },
    { repository: 'shop/slow', fault: { hang: true } },
  ])
}

function policy(name: string, glob: string, mode: 'enforce' | 'warn', key: string): string {
  const lines = key
    .trim()
    .split('\n')
    .map(line => `          ${line}`)
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: ${name}
spec:
  mode: ${mode}
  images:
    - glob: "${glob}"
  authorities:
    - name: release-key
      key:
        data: |
${lines.join('\n')}
`
}

function pod(name: string, image: string): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
spec:
  containers:
    - name: app
      image: ${image}
`
}

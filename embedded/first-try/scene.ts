/** What the first try is played on: images good and bad in the registry, policies about them and trust roots in folders. */
import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePod, makeReview } from './api-server.ts'
import { makeImages } from './images.ts'
import { writePolicies } from './policies.ts'
import type { RegistryControl } from './registry-control.ts'

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'images')

export type Scene = {
  readonly host: string
  readonly policiesDir: string
  readonly registriesFile: string
  readonly trustRootsDir: string
  /** Two files to try `shedu check` on. */
  readonly goodFile: string
  readonly badFile: string
  /** An AdmissionReview about the bad one. */
  readonly reviewFile: string
}

/** Builds and signs the images, breaks some of them, and writes policies, trust roots and example Pods below `folder`. */
export async function setScene(registry: RegistryControl, folder: string): Promise<Scene> {
  const release = await registry.key('release')
  await registry.key('stranger')
  const trustedRoot = await makeImages(registry)
  const { host } = registry
  const [policiesDir, trustRootsDir] = [join(folder, 'policies'), join(folder, 'trust-roots')]
  for (const made of [policiesDir, trustRootsDir]) mkdirSync(made)
  const recorded = readFileSync(join(FIXTURES, 'keys', 'p256.pub'), 'utf8')
  for (const [name, text] of Object.entries(writePolicies(host, { release, recorded })))
    writeFileSync(join(policiesDir, `${name}.yaml`), text)
  writeFileSync(join(trustRootsDir, 'default.json'), JSON.stringify(trustedRoot, undefined, 2))
  copyFileSync(join(FIXTURES, 'trusted_root.json'), join(trustRootsDir, 'recorded.json'))
  const registriesFile = join(folder, 'registries.yaml')
  writeFileSync(registriesFile, `registries:\n  - host: "${host}"\n    plainHttp: true\n`)
  return { host, policiesDir, registriesFile, trustRootsDir, ...writeExamples(host, folder) }
}

function writeExamples(host: string, folder: string): Pick<Scene, 'goodFile' | 'badFile' | 'reviewFile'> {
  const write = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  const bad = `${host}/shop/unsigned:v1`
  return {
    goodFile: write('good.yaml', pod('good', `${host}/shop/web:v1`)),
    badFile: write('bad.yaml', pod('bad', bad)),
    reviewFile: write('review.json', JSON.stringify(makeReview(randomUUID(), makePod([bad])), undefined, 2)),
  }
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

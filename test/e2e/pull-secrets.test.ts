/** A private registry, and Secrets and ServiceAccounts as users make them: the gate reads them from the real API server. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseDocument } from 'yaml'
import { startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'
import { startRegistry } from '../support/embedded-registry.ts'
import { makeKeyPolicy } from '../support/webhook-process.ts'
import { makePod } from './objects.ts'
import { startWebhook } from './start-webhook.ts'
import { openTerminal } from './terminal.ts'
import { configureMutation, configureValidation } from './webhook-configurations.ts'

t.setTimeout(300_000)

const [plane, registry] = await Promise.all([startControlPlane(t), startRegistry(t)])
const data = await registry.key('release')
const { digest } = await registry.image({ repository: 'app' })
await registry.sign({ repository: 'app', digest, key: 'release' })
const image = `${registry.host}/app:v1`
const open = await registry.image({ repository: 'open' })
await registry.auth({ mode: 'token', username: 'bob', password: 'hunter2' })
await registry.auth({ repository: 'open', mode: 'none' })

const system = await openTerminal(t, plane, await plane.makeNamespace())
const kubeconfig = await makeKubeconfig()
const policy = makeKeyPolicy('app-is-signed', `${registry.host}/**`, [{ data }])
const settings = { SHEDU_PULL_SECRETS: 'workload', SHEDU_KUBECONFIG: kubeconfig }
const webhook = await startWebhook(t, [registry.host], [policy], settings)
await configureMutation(plane.ask, webhook)
await configureValidation(plane.ask, webhook)
await eventually('both webhooks to take effect', async () => {
  const { stderr } = await system.type(`run open --image=${registry.host}/open:v1 --dry-run=server`)
  // Pinned by the one, found to be unsigned by the other.
  return stderr.includes('image.unsigned') && stderr.includes(`open:v1@${open.digest}`) ? true : undefined
})

/** Whoever the gate is to the API server: a ServiceAccount with the two rights that it needs, and no other. */
async function makeKubeconfig(): Promise<string> {
  const rights = '--verb=get --resource=secrets,serviceaccounts'
  await system.succeed('create serviceaccount gate')
  await system.succeed(`create clusterrole pull-secrets ${rights}`)
  await system.succeed(
    `create clusterrolebinding pull-secrets --clusterrole=pull-secrets --serviceaccount=${system.namespace}:gate`,
  )
  const token = (await system.succeed('create token gate')).trim()
  const file = join(await makeWorkFolder(t, 'gate'), 'kubeconfig')
  const document = parseDocument(await readFile(plane.kubeconfig, 'utf8'))
  document.setIn(['users', 0, 'user'], { token })
  await writeFile(file, String(document), { mode: 0o600 })
  return file
}

/** A terminal in a namespace of its own, in which these pull secrets were made: name and password of each. */
async function openWith(t: Parameters<typeof openTerminal>[0], secrets: Readonly<Record<string, string>>) {
  const terminal = await openTerminal(t, plane, await plane.makeNamespace())
  for (const [name, password] of Object.entries(secrets)) {
    const login = `--docker-server=${registry.host} --docker-username=bob --docker-password=${password}`
    await terminal.succeed(`create secret docker-registry ${name} ${login}`)
  }
  return terminal
}

function makePodWith(name: string, ...secrets: readonly string[]) {
  const pod = makePod(name, image)
  return { ...pod, spec: { ...pod.spec, imagePullSecrets: secrets.map(name => ({ name })) } }
}

t.test(
  'a Pod whose pull secret lets it in is admitted and pinned, and another namespace learns nothing of it',
  async t => {
    const shop = await openWith(t, { pull: 'hunter2' })
    await shop.write('pod.yaml', makePodWith('web', 'pull'))
    t.equal(await shop.succeed('apply -f pod.yaml'), 'pod/web created\n')
    t.equal(await shop.read('pod web', '{..image}'), `${image}@${digest}`)
    const other = await openWith(t, { pull: 'hunter3' })
    await other.write('pod.yaml', { ...makePodWith('web', 'pull') })
    await other.write('pinned.yaml', makePod('web', `${image}@${digest}`))
    for (const file of ['pod.yaml', 'pinned.yaml']) {
      const { code, stderr } = await other.type(`apply -f ${file}`)
      t.equal(code, 1)
      t.match(stderr, 'registry.unauthorized')
      t.notMatch(stderr, /hunter/)
    }
  },
)

t.test('the pull secrets of the ServiceAccount are those of its Deployments', async t => {
  const shop = await openWith(t, { pull: 'hunter2' })
  await shop.succeed('create serviceaccount robot')
  await shop.succeed('patch serviceaccount robot --patch={"imagePullSecrets":[{"name":"pull"}]}')
  const pod = makePod('web', image)
  const template = { metadata: { labels: { app: 'web' } }, spec: { ...pod.spec, serviceAccountName: 'robot' } }
  const spec = { selector: { matchLabels: { app: 'web' } }, template }
  await shop.write('web.yaml', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec })
  t.equal(await shop.succeed('apply -f web.yaml'), 'deployment.apps/web created\n')
  const pods = await eventually('its Pod', async () => (await shop.read('pods', '{..spec..image}')) || undefined)
  t.equal(pods, `${image}@${digest}`, 'and the Pods that come of it are admitted')
})

t.test('a pull secret that is missing is named, and one that is made is used', async t => {
  const shop = await openWith(t, { wrong: 'hunter3' })
  await shop.write('pod.yaml', makePodWith('web', 'wrong', 'right'))
  const { stderr } = await shop.type('apply -f pod.yaml')
  t.match(stderr, `pull secret "right" does not exist in namespace "${shop.namespace}"`)
  const login = `--docker-server=${registry.host} --docker-username=bob --docker-password=hunter2`
  await shop.succeed(`create secret docker-registry right ${login}`)
  await eventually('the new secret to be used', async () => {
    const { code } = await shop.type('apply -f pod.yaml')
    return code === 0 ? true : undefined
  })
})

t.test('nothing that a Secret holds is in the log', async t => {
  const log = await readFile(webhook.logFile, 'utf8')
  t.match(log, 'admission decided')
  t.notMatch(log, /hunter/)
  t.notOk(log.includes(Buffer.from('bob:hunter2').toString('base64')))
})

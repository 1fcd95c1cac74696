/** A Kubernetes control plane: the real API server and controller manager over the real etcd, without a node. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ask } from './api-client.ts'
import { type Authority, makeAuthority, makeKeyPair } from './authority.ts'
import { buildPrograms } from './build.ts'
import { eventually } from './eventually.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import {
  expectServiceAccount,
  type PlaneFolder,
  startApiServer,
  startControllerManager,
  startEtcd,
} from './kubernetes-programs.ts'
import { makeRunner, type Runner } from './make-runner.ts'
import type { Owner } from './owner.ts'
import type { Running } from './start-program.ts'
import { makeWorkFolder } from './work-folder.ts'

export type ControlPlane = {
  readonly url: string
  /** PEM of the authority behind the API server's certificate. */
  readonly ca: string
  /** A kubeconfig file of an administrator. */
  readonly kubeconfig: string
  /** Runs kubectl as the administrator, with a home and a cache of its own. */
  readonly kubectl: Runner['run']
  /** Asks the API server as the administrator. */
  readonly ask: Ask
  /** Makes a namespace of a fresh name, in which Pods can be created at once. */
  readonly makeNamespace: () => Promise<string>
  readonly etcd: Running
  readonly apiServer: Running
  readonly controllerManager: Running
}

/** Starts one for the owner; one suite shares one. Pods stay Pending, for there is no kubelet; all else works. */
export async function startControlPlane(owner: Owner): Promise<ControlPlane> {
  const programs = await buildPrograms(['etcd', 'kube-apiserver', 'kube-controller-manager'])
  const folder = await makeWorkFolder(owner, 'kube')
  const plane = { folder, path: (name: string) => join(folder, name) }
  const authority = await makeAuthority('stack')
  const ca = authority.cert
  const admin = await authority.issue({ commonName: 'administrator', organization: 'system:masters' }, 'loopback')
  await writeCredentials(plane, authority)
  const { etcd, url: etcdUrl } = await startEtcd(owner, programs.etcd, folder)
  const setting = { etcd: etcdUrl, ca, admin }
  const { url, ask, apiServer } = await startApiServer(owner, programs['kube-apiserver'], plane, setting)
  const manager = await authority.issue({ commonName: 'system:kube-controller-manager' }, 'loopback')
  await writeKubeconfig(plane.path('manager.kubeconfig'), url, ca, manager)
  const controllerManager = await startControllerManager(owner, programs['kube-controller-manager'], plane, ask)
  const kubeconfig = plane.path('admin.kubeconfig')
  await writeKubeconfig(kubeconfig, url, ca, admin)
  const { run: kubectl } = await makeRunner(owner, 'kubectl', { KUBECONFIG: kubeconfig })
  const running = { etcd, apiServer, controllerManager }
  return { url, ca, kubeconfig, kubectl, ask, makeNamespace: () => makeNamespace(ask), ...running }
}

async function writeCredentials({ path }: PlaneFolder, authority: Authority): Promise<void> {
  const serving = await authority.issue({ commonName: 'kube-apiserver' }, 'loopback')
  const tokens = await makeKeyPair()
  await Promise.all([
    writeFile(path('ca.crt'), authority.cert),
    writeFile(path('ca.key'), authority.key),
    writeFile(path('serving.crt'), serving.cert),
    writeFile(path('serving.key'), serving.key),
    writeFile(path('tokens.pub'), tokens.publicKey),
    writeFile(path('tokens.key'), tokens.privateKey),
  ])
}

async function makeNamespace(ask: Ask): Promise<string> {
  const name = `test-${randomBytes(4).toString('hex')}`
  const { status, body } = await ask('POST', '/api/v1/namespaces', { metadata: { name } })
  if (status !== 201) throw new Error(`expected the namespace to be created, found ${status} ${JSON.stringify(body)}`)
  await eventually('the default service account', async () => (await expectServiceAccount(ask, name), true))
  return name
}

/** The three programs of a control plane, each with the flags that it needs on one machine without a node. */
import { join } from 'node:path'
import { type Ask, makeApiClient } from './api-client.ts'
import type { Pair } from './authority.ts'
import { expectAnswer } from './expect-answer.ts'
import { findFreePort } from './free-port.ts'
import type { Owner } from './owner.ts'
import { type Running, startProgram } from './start-program.ts'

/** Where a control plane keeps its keys, certificates, kubeconfigs and data. */
export type PlaneFolder = { readonly folder: string; readonly path: (name: string) => string }

/** Starts an empty etcd without TLS. */
export async function startEtcd(owner: Owner, file: string, folder: string): Promise<{ url: string; etcd: Running }> {
  const url = `http://127.0.0.1:${await findFreePort()}`
  const peers = `http://127.0.0.1:${await findFreePort()}`
  const args = [
    '--name=stack',
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=stack=${peers}`,
    // Nothing here is to survive a power cut.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
  const ready = (signal: AbortSignal) => expectAnswer(`${url}/health`, signal)
  return { url, etcd: await startProgram(owner, { name: 'etcd', file, args, folder, ready }) }
}

type ApiServerSetting = { readonly etcd: string; readonly ca: string; readonly admin: Pair }

/** Starts an API server with RBAC and service accounts, and a client that is `admin` to it. */
export async function startApiServer(
  owner: Owner,
  file: string,
  { folder, path }: PlaneFolder,
  { etcd, ca, admin }: ApiServerSetting,
): Promise<{ url: string; ask: Ask; apiServer: Running }> {
  const port = await findFreePort()
  const url = `https://127.0.0.1:${port}`
  const ask = makeApiClient(owner, url, ca, admin)
  const args = [
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--cert-dir=${folder}`,
    `--tls-cert-file=${path('serving.crt')}`,
    `--tls-private-key-file=${path('serving.key')}`,
    `--client-ca-file=${path('ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${path('tokens.pub')}`,
    `--service-account-signing-key-file=${path('tokens.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--allow-privileged=true',
    '--profiling=false',
  ]
  const ready = () => expectStatus(ask, '/readyz')
  return { url, ask, apiServer: await startProgram(owner, { name: 'kube-apiserver', file, args, folder, ready }) }
}

/** Starts the controllers; they are ready when the first default service account is there. */
export function startControllerManager(owner: Owner, file: string, plane: PlaneFolder, ask: Ask): Promise<Running> {
  const { folder, path } = plane
  const args = [
    `--kubeconfig=${path('manager.kubeconfig')}`,
    // It serves nothing but its own health and metrics.
    '--secure-port=0',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${path('tokens.key')}`,
    `--root-ca-file=${path('ca.crt')}`,
    `--cluster-signing-cert-file=${path('ca.crt')}`,
    `--cluster-signing-key-file=${path('ca.key')}`,
    '--leader-elect=false',
    // The default rates spare a cluster that others use; here they would only stretch the start.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    // The default lies under /usr, and it is written to.
    `--flex-volume-plugin-dir=${path('flex-volumes')}`,
  ]
  const ready = () => expectServiceAccount(ask, 'default')
  return startProgram(owner, { name: 'kube-controller-manager', file, args, folder, ready })
}

/** Throws unless the default service account of the namespace is there; without it every Pod is refused. */
export function expectServiceAccount(ask: Ask, namespace: string): Promise<void> {
  return expectStatus(ask, `/api/v1/namespaces/${namespace}/serviceaccounts/default`)
}

async function expectStatus(ask: Ask, path: string): Promise<void> {
  const { status, body } = await ask('GET', path)
  if (status !== 200) throw new Error(`expected status 200 of ${path}, found ${status} ${JSON.stringify(body)}`)
}

/** The whole scene of a suite: control plane, registries, images and webhook, all of them the real ones. */
import { type ControlPlane, startControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'
import type { Owner } from '../stack/owner.ts'
import { type Registry, startDistribution, startOlareg } from '../stack/registries.ts'
import { type EmbeddedRegistry, startRegistry } from '../support/embedded-registry.ts'
import { type ImageMaker, makeImageMaker } from './images.ts'
import { makePod } from './objects.ts'
import { startWebhook, type Webhook } from './start-webhook.ts'
import { openTerminal, type Terminal } from './terminal.ts'
import { configureMutation, configureValidation } from './webhook-configurations.ts'

export type Stage = {
  readonly plane: ControlPlane
  /** Knows referrers. */
  readonly olareg: Registry
  /** Knows none: clients fall back to a tag. */
  readonly distribution: Registry
  /** Can be made to fail. */
  readonly embedded: EmbeddedRegistry
  readonly images: ImageMaker
  readonly webhook: Webhook
  /** Puts the webhook before the API server, and resolves once both of its halves are seen at work. */
  readonly closeGate: () => Promise<void>
  /** A terminal in a namespace of its own. */
  readonly open: (owner: Owner) => Promise<Terminal>
}

type Registries = Pick<Stage, 'olareg' | 'distribution' | 'embedded'>

/** What a suite adds: policies, and settings of the webhook. */
export type Addition = {
  readonly policies?: readonly object[]
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Sets it, gate open. Images below `shop/` must be signed: by the key of `images`, in the embedded registry by its own
 * key `release`. What a suite adds may depend on where the registries are.
 */
export async function setStage(
  owner: Owner,
  add: (registries: Registries) => Promise<Addition> = async () => ({}),
): Promise<Stage> {
  const [plane, olareg, distribution, embedded, images] = await Promise.all([
    startControlPlane(owner),
    startOlareg(owner),
    startDistribution(owner),
    startRegistry(owner),
    makeImageMaker(owner),
  ])
  const hosts = [olareg.host, distribution.host, embedded.host]
  const real = hosts.slice(0, 2)
  const authority = (data: string) => ({ name: 'release-key', key: { data } })
  const policies = [
    makePolicy('shop-is-signed', below('shop', real), { authorities: [authority(images.publicKey)] }),
    makePolicy('mirror-is-signed', below('shop', [embedded.host]), {
      authorities: [authority(await embedded.key('release'))],
    }),
    makePolicy('trial', below('trial', real), { mode: 'warn', authorities: [authority(images.publicKey)] }),
    makePolicy('anything-goes', below('free', hosts), { authorities: [{ static: { action: 'pass' } }] }),
    makePolicy('withdrawn', below('withdrawn', hosts), { authorities: [{ static: { action: 'fail' } }] }),
  ]
  const added = await add({ olareg, distribution, embedded })
  const webhook = await startWebhook(owner, hosts, [...policies, ...(added.policies ?? [])], added.settings)
  const stage = { plane, olareg, distribution, embedded, images, webhook }
  const closeGate = () => close(stage)
  return { ...stage, closeGate, open: async owner => openTerminal(owner, plane, await plane.makeNamespace()) }
}

/** Globs of all that lies below a folder of these registries. */
export function below(folder: string, hosts: readonly string[]): readonly string[] {
  return hosts.map(host => `${host}/${folder}/**`)
}

/** A ClusterImagePolicy about what these globs match. */
export function makePolicy(name: string, globs: readonly string[], spec: object): object {
  return {
    apiVersion: 'policy.sigstore.dev/v1beta1',
    kind: 'ClusterImagePolicy',
    metadata: { name },
    spec: { images: globs.map(glob => ({ glob })), ...spec },
  }
}

/** The first that is pinned shows the mutating half, the first that is refused the validating one; nothing is stored by either. */
async function close({ plane, distribution, images, webhook }: Omit<Stage, 'closeGate' | 'open'>): Promise<void> {
  const reference = `${distribution.host}/shop/gate:v1`
  await images.make(reference, 'none')
  const namespace = await plane.makeNamespace()
  await configureMutation(plane.ask, webhook)
  await configureValidation(plane.ask, webhook)
  await eventually('both webhooks to take effect', async () => {
    const { body } = await plane.ask(
      'POST',
      `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
      makePod('gate', reference),
    )
    const { message } = body as { readonly message?: string }
    // Pinned by the one, found to be unsigned by the other.
    const isClosed = message?.includes('image.unsigned') === true && message.includes(`${reference}@sha256:`)
    if (!isClosed) throw new Error(`expected a refusal of the pinned image, found ${JSON.stringify(body)}`)
    return true
  })
}

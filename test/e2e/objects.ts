/** The objects that users hand to the cluster, each around one PodSpec. */

type Container = { readonly name: string; readonly image: string }

type Images = { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] }

const imagesOf = (image: string | Images): Images =>
  typeof image === 'string' ? { containers: [{ name: 'app', image }] } : image

/** A Pod of one container. */
export function makePod(name: string, image: string) {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: imagesOf(image) }
}

/** A Deployment of one Pod, of one container unless the images say more. */
export function makeDeployment(name: string, image: string | Images) {
  const labels = { app: name }
  const template = { metadata: { labels }, spec: imagesOf(image) }
  const spec = { replicas: 1, selector: { matchLabels: labels }, template }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec }
}

/** A Job of one container. */
export function makeJob(name: string, image: string) {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: jobSpec(image) }
}

/** A CronJob that nobody waits for. */
export function makeCronJob(name: string, image: string) {
  const spec = { schedule: '0 4 * * *', jobTemplate: { spec: jobSpec(image) } }
  return { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name }, spec }
}

function jobSpec(image: string) {
  return { template: { spec: { restartPolicy: 'Never', ...imagesOf(image) } } }
}

/** Waits for what controllers make of a workload. */
import type { ControlPlane } from '../stack/control-plane.ts'
import { eventually } from '../stack/eventually.ts'

type Pods = {
  readonly items: readonly { readonly spec: { readonly containers: readonly { readonly image: string }[] } }[]
}

/** Gives the image of each Pod with this label, as soon as there are exactly so many. */
export function imagesOfPods(
  { ask }: ControlPlane,
  namespace: string,
  { label, count = 1 }: { readonly label: string; readonly count?: number },
): Promise<readonly (string | undefined)[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(label)}`
  return eventually(`${count} Pods with ${label}`, async () => {
    const { body } = await ask('GET', path)
    const images = (body as Pods).items.map(pod => pod.spec.containers[0]?.image)
    if (images.length !== count) throw new Error(`expected ${count} Pods, found ${images.length}`)
    return images
  })
}

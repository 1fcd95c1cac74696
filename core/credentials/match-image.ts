/**
 * Which images a pattern of a kubelet credential provider is for, by the kubelet's own rules (`matchImages` in
 * kubelet.config.k8s.io/v1): as many labels as the image's host, each matched by its own glob; the same port or none; and
 * a path that the image's begins with.
 */
import type { ImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'

export type ImagePattern = {
  readonly labels: readonly string[]
  /** Empty for none. */
  readonly port: string
  /** With its slash; empty for none. */
  readonly path: string
}

/** Longer than any host and path that an image can have. */
const PATTERN_CHARACTERS = 512

const PATTERN = /^([a-z0-9*?.-]+)(?::([1-9][0-9]{0,4}))?((?:\/[A-Za-z0-9._/-]*)?)$/

/** Parses `*.dkr.ecr.*.amazonaws.com` or `registry.test:5000/acme`; an InputError for anything else. A glob is `*` or `?`, in the host alone. */
export function parseImagePattern(text: string): ImagePattern {
  const [, host = '', port = '', path = ''] = PATTERN.exec(text.slice(0, PATTERN_CHARACTERS + 1)) ?? []
  if (host === '' || text.length > PATTERN_CHARACTERS)
    throw new InputError(
      `expected a lower-case host, its labels with * or ?, and then a port and a path without, got ${JSON.stringify(text.slice(0, 80))}`,
    )
  return { labels: host.split('.'), port, path }
}

/** Whether the pattern is for this image. */
export function matchesImage({ labels, port, path }: ImagePattern, ref: ImageRef): boolean {
  const [, host = '', ownPort = '', ownPath = ''] = /^([^/]*?)(?::([0-9]+))?(\/.*)$/.exec(imageNameOf(ref)) ?? []
  const own = host.split('.')
  return (
    port === ownPort &&
    labels.length === own.length &&
    ownPath.startsWith(path) &&
    labels.every((label, index) => matchesLabel(label, own[index] ?? ''))
  )
}

/** The image as a kubelet tells it to a provider: without tag and digest, and Docker Hub by its short name. */
export function imageNameOf({ registry, repository }: ImageRef): string {
  return `${registryNameOf(registry)}/${repository}`
}

/** The registry as a kubelet names it. */
export function registryNameOf(registry: string): string {
  return registry === 'index.docker.io' ? 'docker.io' : registry
}

/** `*` stands for any text and `?` for one character. In steps that are at most the product of both lengths. */
function matchesLabel(glob: string, text: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (next < text.length) {
    if (glob[at] === '*') {
      star = at++
      resume = next
    } else if (at < glob.length && (glob[at] === '?' || glob[at] === text[next])) {
      at++
      next++
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1
      next = ++resume
    } else return false
  }
  return /^\**$/.test(glob.slice(at))
}

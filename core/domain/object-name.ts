/** Names of Kubernetes objects: DNS subdomains of RFC 1123. */

const NAME_CHARACTERS = 253
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/

/** Whether a Secret, a ServiceAccount or a namespace can have this name. */
export function isObjectName(text: string): boolean {
  return text.length <= NAME_CHARACTERS && text.split('.').every(label => LABEL.test(label))
}

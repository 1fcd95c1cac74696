/** cosign's simple signing: the JSON payload that names an image. */

/** The payload in the order of keys that cosign writes. */
export function encodePayload(dockerReference: string, digest: string): string {
  return JSON.stringify({
    critical: {
      identity: { 'docker-reference': dockerReference },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  })
}

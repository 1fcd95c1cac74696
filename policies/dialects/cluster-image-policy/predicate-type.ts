/** The types of attestations as a ClusterImagePolicy may name them: by URI, or by what cosign used to call them. */

// A Map: the name is the author's text, and an object would answer to `constructor`.
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ['custom', 'https://cosign.sigstore.dev/attestation/v1'],
  ['slsaprovenance', 'https://slsa.dev/provenance/v0.2'],
  ['slsaprovenance02', 'https://slsa.dev/provenance/v0.2'],
  ['slsaprovenance1', 'https://slsa.dev/provenance/v1'],
  ['spdx', 'https://spdx.dev/Document'],
  ['spdxjson', 'https://spdx.dev/Document'],
  ['cyclonedx', 'https://cyclonedx.org/bom'],
  ['link', 'https://in-toto.io/Link/v1'],
  ['vuln', 'https://cosign.sigstore.dev/attestation/vuln/v1'],
  ['openvex', 'https://openvex.dev/ns'],
])

/** The type as statements have it. What is no short name is compared as it stands. */
export function predicateTypeOf(name: string): string {
  return SHORT_NAMES.get(name) ?? name
}

/** What the reference has against a name that is accepted all the same, with the one to write instead where it is known. */
export function predicateTypeWarning(name: string): string | undefined {
  // RFC 3986, section 3: a scheme, a colon, something.
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:./.test(name)) return undefined
  const uri = SHORT_NAMES.get(name)
  return `deprecated value, please use RFC 3986 conformant values${uri === undefined ? '' : `, here ${uri}`}`
}

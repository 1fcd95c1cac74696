/** The policies of the first try, as somebody would write them: ClusterImagePolicies in YAML. */
import { ALICE, PROVENANCE, RELEASE } from './people.ts'

type Identity = { readonly subject: string; readonly issuer: string }

type Keys = {
  /** In PEM: the key that releases, and the one that signed the recorded images. */
  readonly release: string
  readonly recorded: string
}

/** Gives them by their names, for images of this registry. */
export function writePolicies(host: string, { release, recorded }: Keys): Readonly<Record<string, string>> {
  return named({
    'shop-is-signed': name => policy(name, `${host}/shop/**`, key(release)),
    trial: name => policy(name, `${host}/trial/**`, key(release), 'warn'),
    recorded: name => policy(name, `${host}/recorded/key-*`, key(recorded)),
    'recorded-keyless': name => policy(name, `${host}/recorded/keyless-*`, keyless(ALICE, 'recorded')),
    'released-by-the-build': name => policy(name, `${host}/keyless/**`, keyless(RELEASE)),
    'built-by-the-build': name => policy(name, `${host}/proven/**`, `${keyless(RELEASE)}\n${PROVEN}`),
  })
}

function named(policies: Readonly<Record<string, (name: string) => string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(policies).map(([name, write]) => [name, write(name)]))
}

function policy(name: string, glob: string, authority: string, mode: 'enforce' | 'warn' = 'enforce'): string {
  return `apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: ${name}
spec:
  mode: ${mode}
  images:
    - glob: "${glob}"
  authorities:
${authority}
`
}

function key(pem: string): string {
  const lines = pem
    .trim()
    .split('\n')
    .map(line => `          ${line}`)
  return `    - name: release-key
      key:
        data: |
${lines.join('\n')}`
}

/** Of the trust root `default`, unless another one is named: then its log has to be, too. */
function keyless({ subject, issuer }: Identity, trustRoot?: string): string {
  const authority = `    - name: release-identity
      keyless:
        identities:
          - issuer: "${issuer}"
            subject: "${subject}"`
  if (trustRoot === undefined) return authority
  return `${authority}
        trustRootRef: ${trustRoot}
      ctlog:
        trustRootRef: ${trustRoot}`
}

const PROVEN = `      attestations:
        - name: provenance
          predicateType: ${PROVENANCE}`

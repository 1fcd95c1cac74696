/** The real programs, where each is built from, and how long that takes. */

export type Program = {
  /** The folder under `modules/` whose go.mod pins it. */
  readonly module: string
  /** The main package: one of a pinned module, or `.` for a main of our own that lies beside the go.mod. */
  readonly package: string
  readonly tags?: string
  /** Packages whose version variables are to say `version`. */
  readonly stamped?: readonly string[]
  readonly version?: string
  /** A first build on two cores with nothing cached; what a build took on this machine corrects the rest. */
  readonly seconds: number
}

const KUBERNETES = {
  module: 'kubernetes',
  tags: 'notest,grpcnotrace',
  stamped: ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'],
  // Clients compare it with the server's, and the API server derives from it which features are on.
  version: 'v1.36.3',
} as const

/** All of them, by the name under which they are built and run. */
export const PROGRAMS = {
  etcd: { module: 'kubernetes', tags: KUBERNETES.tags, package: 'go.etcd.io/etcd/server/v3', seconds: 60 },
  'kube-apiserver': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-apiserver', seconds: 190 },
  'kube-controller-manager': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-controller-manager', seconds: 50 },
  kubectl: { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kubectl', seconds: 18 },
  olareg: { module: 'olareg', package: 'github.com/olareg/olareg/cmd/olareg', seconds: 3 },
  distribution: {
    module: 'distribution',
    package: 'github.com/distribution/distribution/v3/cmd/registry',
    seconds: 105,
  },
  crane: { module: 'crane', package: 'github.com/google/go-containerregistry/cmd/crane', seconds: 11 },
  cosign2: { module: 'cosign2', package: 'github.com/sigstore/cosign/v2/cmd/cosign', seconds: 165 },
  cosign3: { module: 'cosign3', package: 'github.com/sigstore/cosign/v3/cmd/cosign', seconds: 205 },
  'containerd-hosts': { module: 'containerd-hosts', package: '.', seconds: 32 },
  fulcio: { module: 'fulcio', package: '.', seconds: 75 },
  'ct-log': { module: 'ct-log', package: '.', seconds: 42 },
  rekor1: { module: 'rekor1', package: '.', seconds: 150 },
  rekor2: { module: 'rekor2', package: 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix', seconds: 29 },
  'timestamp-authority': { module: 'timestamp-authority', package: '.', seconds: 54 },
} as const satisfies Readonly<Record<string, Program>>

export type ProgramName = keyof typeof PROGRAMS

/** The names of all programs, in the order of the table. */
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as readonly ProgramName[]

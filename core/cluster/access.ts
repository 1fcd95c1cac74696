/** Where the API server is, whom we trust to be it, who we are to it; and the connections that rest on these, kept for reuse. */
import { createHash } from 'node:crypto'
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent } from 'undici'
import { InputError } from '#core/domain/input-error.ts'
import { ClusterUnavailable } from './cluster-error.ts'
import { nameOf, readKubeconfig } from './kubeconfig.ts'

/**
 * The ServiceAccount of the Pod we run in, or a kubeconfig (one file, or several that count as one) and one of its contexts:
 * the current one if none is named.
 */
export type ClusterConfig =
  | { readonly from: 'service-account' }
  | { readonly from: 'kubeconfig'; readonly file: string | readonly string[]; readonly context?: string }

/** Connections for what is asked and answered, and for streams that last: these must not wait for each other. */
export type Purpose = 'requests' | 'streams'

type Opened = { readonly agent: Agent; readonly headers: Readonly<Record<string, string>> }

/** How long TCP and TLS may take together. */
const CONNECT_MS = 10_000

/** The API server's own limit for a request; after that it has answered, or is gone. */
const SILENCE_MS = 60_000

/** The API server closes idle connections after 90 s: ours must be given up before. */
const IDLE_MS = 30_000

const AGENTS: Readonly<Record<Purpose, Agent.Options>> = {
  requests: { connections: 8, keepAliveTimeout: IDLE_MS, headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS },
  // Each stream brings its own limit of silence.
  streams: {},
}

/**
 * Reads configuration and credentials with the Kubernetes client, and connects without it: that one makes a new agent,
 * and so a new TLS connection, for every request.
 */
export class Access {
  /** The address of the API server, without a slash at its end. */
  readonly server: URL
  /** The namespace that the context names; undefined where it names none. */
  readonly namespace: string | undefined
  readonly #kubeconfig: KubeConfig
  readonly #agents = new Map<Purpose, { readonly key: string; readonly agent: Agent }>()

  constructor(config: ClusterConfig) {
    this.#kubeconfig = load(config)
    this.server = serverOf(this.#kubeconfig)
    this.namespace = this.#kubeconfig.getContextObject(this.#kubeconfig.getCurrentContext())?.namespace
  }

  /** An agent and the headers that say who we are. Files and tokens are looked at each time, because they are rotated. */
  async open(purpose: Purpose): Promise<Opened> {
    const options: RequestOptions = {}
    try {
      await this.#kubeconfig.applyToHTTPSOptions(options)
    } catch (error) {
      throw new ClusterUnavailable(`the credentials for the API server cannot be read (${nameOf(error)})`)
    }
    return { agent: this.#agentFor(purpose, options), headers: headersOf(options) }
  }

  /** Breaks every connection. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map(({ agent }) => agent.destroy()))
  }

  #agentFor(purpose: Purpose, { ca, cert, key, servername }: RequestOptions): Agent {
    const tls = { ca, cert, key, servername }
    const print = createHash('sha256').update(JSON.stringify(tls)).digest('hex')
    const current = this.#agents.get(purpose)
    if (current?.key === print) return current.agent
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
    const connect = { ...given, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: IDLE_MS }
    // HTTP/1.1: on one connection for everything, one stalled stream could hold up the lease.
    const agent = new Agent({ ...AGENTS[purpose], allowH2: false, connect })
    // An older one is only forgotten: closing it would hit those who were given it just now, and idle connections end anyway.
    this.#agents.set(purpose, { key: print, agent })
    return agent
  }
}

function load(config: ClusterConfig): KubeConfig {
  if (config.from === 'kubeconfig') return readKubeconfig([config.file].flat(), config.context)
  const kubeconfig = new KubeConfig()
  kubeconfig.loadFromCluster()
  return kubeconfig
}

/** The address, if all that the configuration says about it and us is something we do. */
function serverOf(kubeconfig: KubeConfig): URL {
  const cluster = kubeconfig.getCurrentCluster()
  if (cluster === null || kubeconfig.getCurrentUser() === null)
    throw new InputError(
      `expected a context with a cluster and a user, got ${JSON.stringify(kubeconfig.getCurrentContext())}`,
    )
  // Without its certificate anyone could be the API server, and tell us which policies there are.
  if (cluster.skipTLSVerify) throw new InputError('insecure-skip-tls-verify of a kubeconfig is not supported')
  if (cluster.proxyUrl !== undefined) throw new InputError('proxy-url of a kubeconfig is not supported')
  const server = URL.parse(cluster.server)
  if (server?.protocol === 'https:') return server
  // The rest of it may be a password.
  const place = server === null ? 'something else' : `${server.protocol}//${server.host}`
  throw new InputError(`expected the API server at an https address, got ${place}`)
}

function headersOf({ headers, auth }: RequestOptions): Readonly<Record<string, string>> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value).trim()])
  const basic = auth == null ? {} : { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }
  return { ...basic, ...Object.fromEntries(given) }
}

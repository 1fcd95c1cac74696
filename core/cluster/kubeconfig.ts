/** Kubeconfig files as kubectl reads them: several are one, in which the first to name a thing wins. */
import { KubeConfig } from '@kubernetes/client-node'
import { InputError } from '#core/domain/input-error.ts'

/** Of the contexts that there are, a message shows no more; somebody may have one for each customer. */
const MOST_SHOWN = 20

/** Reads them, and turns to `context` if one is named. Throws an InputError for an unreadable file, and for a context that is not there. */
export function readKubeconfig(files: readonly string[], context: string | undefined): KubeConfig {
  const kubeconfig = merged(files.map(readOne))
  if (context === undefined) return kubeconfig
  // It would be found missing in any case, but not with the names that were meant.
  if (kubeconfig.getContextObject(context) === null) throw absent(context, kubeconfig, files)
  kubeconfig.setCurrentContext(context)
  return kubeconfig
}

function readOne(file: string): KubeConfig {
  const kubeconfig = new KubeConfig()
  try {
    // A context without a cluster, which kubectl writes too, is nothing to those who use another one.
    kubeconfig.loadFromFile(file, { onInvalidEntry: 'filter' })
  } catch (error) {
    // A parser's message quotes what it stumbled over, and that may be a key.
    throw new InputError(`expected ${JSON.stringify(file)} to be a kubeconfig, cannot read it (${nameOf(error)})`)
  }
  return kubeconfig
}

/** The client's own way to merge refuses a name that occurs twice, and takes the last current context. */
function merged(kubeconfigs: readonly KubeConfig[]): KubeConfig {
  const kubeconfig = new KubeConfig()
  kubeconfig.loadFromOptions({
    clusters: firstOfEachName(kubeconfigs.flatMap(one => one.getClusters())),
    users: firstOfEachName(kubeconfigs.flatMap(one => one.getUsers())),
    contexts: firstOfEachName(kubeconfigs.flatMap(one => one.getContexts())),
    currentContext: kubeconfigs.map(one => one.getCurrentContext()).find(name => Boolean(name)),
  })
  return kubeconfig
}

function firstOfEachName<Named extends { readonly name: string }>(all: readonly Named[]): readonly Named[] {
  return [...new Map(all.toReversed().map(one => [one.name, one])).values()].toReversed()
}

function absent(context: string, kubeconfig: KubeConfig, files: readonly string[]): InputError {
  const names = kubeconfig.getContexts().map(({ name }) => JSON.stringify(name))
  const more = names.length > MOST_SHOWN ? ` and ${names.length - MOST_SHOWN} more` : ''
  const there = names.length === 0 ? 'which has none' : `which has ${names.slice(0, MOST_SHOWN).join(', ')}${more}`
  return new InputError(
    `expected a context of the kubeconfig (${files.join(', ')}), ${there}, got ${JSON.stringify(context)}`,
  )
}

/** All that may be told of an error that has read secrets. */
export function nameOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
  return String(code ?? name)
}

/** What writes Kubernetes Events, with a client of its own: reviews never wait for what it waits for. */
import { makeClusterClient } from '#core/cluster/client.ts'
import { type ClusterEvent, EventRecorder, type Reporter } from '#core/cluster/events.ts'

type EventSink = {
  readonly record: (event: ClusterEvent) => void
  readonly dropped: () => number
  /** Says what still waits, if that takes no longer than a moment. */
  readonly close: () => Promise<void>
}

/** Opens it for the cluster that the kubeconfig file names, or for the one we run in. An InputError says why it cannot. */
export function openEventsOf(
  kubeconfig: string | undefined,
  reporter: Reporter,
  report: (error: unknown) => void,
): EventSink {
  const client = makeClusterClient(
    kubeconfig === undefined ? { from: 'service-account' } : { from: 'kubeconfig', file: kubeconfig },
  )
  const recorder = new EventRecorder(client, reporter, { report })
  const close = async () => {
    await recorder.close()
    await client.close()
  }
  return { record: event => recorder.record(event), dropped: () => recorder.dropped, close }
}

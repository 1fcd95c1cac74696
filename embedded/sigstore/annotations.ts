/** What cosign's legacy layouts keep beside a signature, in the annotations of its layer. */
import { encodePem } from './certificate.ts'
import type { Signed } from './sign.ts'

const CERTIFICATE = 'dev.sigstore.cosign/certificate'
const CHAIN = 'dev.sigstore.cosign/chain'
const BUNDLE = 'dev.sigstore.cosign/bundle'
const TIMESTAMP = 'dev.sigstore.cosign/rfc3161timestamp'

/** In the order that cosign writes; there is room for one entry and one timestamp. */
export function annotationsOf({ certificate, chain, entries, timestamps }: Signed): Readonly<Record<string, string>> {
  const [entry] = entries
  const [timestamp] = timestamps
  return {
    ...(entry === undefined ? {} : { [BUNDLE]: encodeBundle(entry) }),
    ...(certificate === undefined ? {} : { [CERTIFICATE]: encodePem('CERTIFICATE', certificate) }),
    ...(certificate === undefined
      ? {}
      : {
          [CHAIN]: chain
            .map(der => encodePem('CERTIFICATE', der))
            .join('')
            .trimEnd(),
        }),
    ...(timestamp === undefined
      ? {}
      : { [TIMESTAMP]: JSON.stringify({ SignedRFC3161Timestamp: Buffer.from(timestamp).toString('base64') }) }),
  }
}

function encodeBundle({ promise, body, integratedTime, index, logId }: Signed['entries'][number]): string {
  return JSON.stringify({
    ...(promise === undefined ? {} : { SignedEntryTimestamp: Buffer.from(promise).toString('base64') }),
    Payload: {
      body: Buffer.from(body).toString('base64'),
      integratedTime,
      logIndex: index,
      logID: Buffer.from(logId).toString('hex'),
    },
  })
}

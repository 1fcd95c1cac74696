/** What a webhook holds in memory after images beyond number, and after one with an attestation that nobody should read. */
import { memoryOf } from './process-usage.ts'
import { makeReview } from './review.ts'
import type { Stage } from './stage.ts'

const DIGESTS = 10_000
/** More at a time than most Pods have, so that it takes a minute. */
const IMAGES_A_POD = 10
const ATTESTATION_BYTES = 50_000_000

/** A table: one webhook, and what was in memory after each of these. */
export async function measureMemory(stage: Stage): Promise<string> {
  const webhook = await stage.startWebhook()
  const lines: string[] = []
  const tell = (when: string, failed: number) => {
    const { nowMiB, mostMiB } = memoryOf(webhook.pid)
    lines.push(`| ${when} | ${nowMiB.toFixed(0)} | ${mostMiB.toFixed(0)} | ${failed} |`)
  }
  const admit = async (images: readonly string[]) => {
    const { allowed } = await stage.review(webhook.port, JSON.stringify(makeReview(images)))
    return allowed ? 0 : 1
  }
  tell('ready', 0)
  let failed = 0
  for (let left = DIGESTS; left > 0; left -= IMAGES_A_POD)
    failed += await admit(await stage.makeImages('key, legacy', IMAGES_A_POD))
  tell(`${DIGESTS} digests`, failed)
  const [small = ''] = await stage.makeImages('attested by key', 1)
  failed = await admit([small])
  const [large = ''] = await stage.makeImages('attested by key', 1, { predicateBytes: ATTESTATION_BYTES })
  const { allowed, text } = await stage.review(webhook.port, JSON.stringify(makeReview([large])))
  // It is to be refused, and for its size.
  if (allowed || !text.includes('limit.exceeded')) failed++
  tell('an attestation of 50 MB', failed)
  await webhook.stop()
  return `| after | resident MiB | most MiB so far | failed |\n| --- | ---: | ---: | ---: |\n${lines.join('\n')}\n`
}

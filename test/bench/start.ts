/** How long a webhook takes from its start until it is ready. */
import { quantile } from './quantile.ts'
import type { Stage } from './stage.ts'

const STARTS = 5

/** A table of so many starts. */
export async function measureStarts(stage: Stage): Promise<string> {
  const times: number[] = []
  for (let n = 0; n < STARTS; n++) {
    const webhook = await stage.startWebhook()
    times.push(webhook.readyMs)
    await webhook.stop()
  }
  return `| starts | median ms | slowest ms |\n| ---: | ---: | ---: |\n| ${STARTS} | ${quantile(times, 0.5).toFixed(0)} | ${quantile(times, 1).toFixed(0)} |\n`
}

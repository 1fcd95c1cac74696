/** What one Pod costs the registry: the first time, and all the times after it. */
import type { Stage, Webhook } from './stage.ts'

const TIMES = 999

/** A table of both. A refusal answered quickly is no admission: it is counted as failed. */
export async function measureRequests(stage: Stage, webhook: Webhook, body: string): Promise<string> {
  const admit = async (times: number) => {
    await stage.registry.forgetRequests()
    let failed = 0
    for (let n = 0; n < times; n++) if (!(await stage.review(webhook.port, body)).allowed) failed++
    return `${(await stage.registry.requests()).length} | ${failed}`
  }
  const lines = [`| the first (two digests) | ${await admit(1)} |`, `| the next ${TIMES} | ${await admit(TIMES)} |`]
  return `| admissions | requests | failed |\n| --- | ---: | ---: |\n${lines.join('\n')}\n`
}

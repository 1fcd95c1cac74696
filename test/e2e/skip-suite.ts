/** Loaded before a suite by `node --import`: one that cannot run on this machine ends here, in words that tap counts. */
import { resolve } from 'node:path'

const { SHEDU_E2E_SKIPS: skips = '{}' } = process.env
// Whatever a suite that does run starts is to know nothing of this.
delete process.env['SHEDU_E2E_SKIPS']

const skipped = Object.entries(JSON.parse(skips) as Readonly<Record<string, string>>)
const [, reason] = skipped.find(([suite]) => resolve(suite) === process.argv[1]) ?? []
if (reason !== undefined) {
  process.stdout.write(`TAP version 14\n1..0 # ${reason.replaceAll(/\s+/g, ' ')}\n`)
  process.exit()
}

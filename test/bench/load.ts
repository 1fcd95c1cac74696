/** Puts load on one URL with wrk where it is installed, else with autocannon; the same for everything compared. */
import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type Load = {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
}

type LoadOptions = {
  readonly url: string
  readonly body: string
  /** What is answered to it: another answer is counted as failed. */
  readonly answer: string
  readonly connections: number
  readonly seconds: number
}

export type Generator = { readonly name: string; readonly run: (options: LoadOptions) => Promise<Load> }

/** Picks the generator once, so that all figures of a run come from the same one. */
export function pickGenerator(folder: string): Generator {
  const hasWrk = spawnSync('wrk', ['--version']).error === undefined
  return hasWrk ? { name: 'wrk', run: options => wrk(options, folder) } : { name: 'autocannon', run: autocannon }
}

async function wrk({ url, body, connections, seconds }: LoadOptions, folder: string): Promise<Load> {
  const script = join(folder, 'post.lua')
  // One thread: the machine has few cores, and the server must have one to itself.
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = [==[${body}]==]
failed = 0
response = function(status, headers, text)
  if status ~= 200 or not text:find('"allowed":true', 1, true) then failed = failed + 1 end
end
local threads = {}
setup = function(thread) table.insert(threads, thread) end
done = function(summary, latency, requests)
  local failed = 0
  for _, thread in ipairs(threads) do failed = failed + thread:get("failed") end
  local e = summary.errors
  io.write(string.format('RESULT {"perSecond":%f,"p50Ms":%f,"p99Ms":%f,"errors":%d}\\n', summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed + e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  )
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]
  const { stdout: out } = await promisify(execFile)('wrk', args)
  const line = out.split('\n').find(text => text.startsWith('RESULT '))
  if (line === undefined) throw new Error(`wrk said no result: ${out}`)
  return JSON.parse(line.slice('RESULT '.length)) as Load
}

async function autocannon({ url, body, answer, connections, seconds }: LoadOptions): Promise<Load> {
  const file = createRequire(import.meta.url).resolve('autocannon')
  const args = [
    '-j',
    '-m',
    'POST',
    '-c',
    String(connections),
    '-d',
    String(seconds),
    '-H',
    'content-type=application/json',
    '-b',
    body,
    '-E',
    answer,
    url,
  ]
  const { stdout: out } = await promisify(execFile)(process.execPath, [file, ...args], {
    // The certificate was issued a second ago for this run; nothing outside this machine is spoken to.
    env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
  })
  const result = JSON.parse(out) as {
    requests: { average: number }
    latency: { p50: number; p99: number }
    errors: number
    timeouts: number
    non2xx: number
    mismatches: number
  }
  const errors = result.errors + result.timeouts + result.non2xx + result.mismatches
  return { perSecond: result.requests.average, p50Ms: result.latency.p50, p99Ms: result.latency.p99, errors }
}

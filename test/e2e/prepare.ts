/**
 * Builds the real programs that these suites need, as far as they can be had on this machine, and prints as JSON which
 * suites cannot run, and why: suite → `PROGRAM: reason`. Without suites it builds all programs.
 */
import { resolve } from 'node:path'
import { buildWhatCanBeHad } from '../stack/build.ts'
import { PROGRAM_NAMES, type ProgramName } from '../stack/programs.ts'
import { findNeeds } from './needed-programs.ts'

try {
  process.stdout.write(JSON.stringify(await prepare(process.argv.slice(2))))
} catch (error) {
  process.stderr.write(`stack: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function prepare(suites: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const needs = findNeeds(suites.map(suite => resolve(suite)))
  const needed = new Set([...needs.values()].flat())
  const wanted = suites.length === 0 ? PROGRAM_NAMES : PROGRAM_NAMES.filter(name => needed.has(name))
  const { missing } = await buildWhatCanBeHad(wanted)
  const reasonFor = (names: readonly ProgramName[]) => reasons(names, name => missing.get(name)?.message)
  for (const reason of reasonFor(wanted)) process.stderr.write(`stack: not to be had on this machine: ${reason}\n`)
  const skipped = suites.flatMap(suite => {
    const reason = reasonFor(needs.get(resolve(suite)) ?? []).join('; ')
    return reason === '' ? [] : [[suite, reason] as const]
  })
  return Object.fromEntries(skipped)
}

/** `etcd, kubectl: reason`: one for all that are missing for the same one. */
function reasons(names: readonly ProgramName[], why: (name: ProgramName) => string | undefined): readonly string[] {
  const missing = names.filter(name => why(name) !== undefined)
  const byReason = Map.groupBy(missing, name => why(name))
  return [...byReason].map(([reason, names]) => `${names.join(', ')}: ${reason}`)
}

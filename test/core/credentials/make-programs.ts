/** A folder of small programs for one test, each a shell script that notes every time it is run. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Test = { readonly teardown: (end: () => void) => unknown }

export type Programs = {
  readonly folder: string
  /** Writes a program, or another in its place; returns its path. */
  readonly write: (name: string, script: string) => string
  /** What the program of this name was given on standard input, for each time that it was run. */
  readonly runs: (name: string) => readonly string[]
}

export function makePrograms(t: Test): Programs {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const log = (name: string) => join(folder, `.${name}.log`)
  return {
    folder,
    write(name, script) {
      const path = join(folder, name)
      writeFileSync(path, `#!/bin/sh\nINPUT=$(cat)\nprintf '%s\\n' "$INPUT" >> '${log(name)}'\n${script}\n`)
      chmodSync(path, 0o755)
      return path
    },
    runs: name => (existsSync(log(name)) ? readFileSync(log(name), 'utf8').trimEnd().split('\n') : []),
  }
}

/** The line of a script that writes this as JSON. */
export function says(value: unknown): string {
  return `printf '%s' '${JSON.stringify(value)}'`
}

/** A machine with no programs but those of the system: its PATH, its cache and its Go are what a test makes of them. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Owner } from '../stack/owner.ts'
import { CommandFailed, type Output, runCommand } from '../stack/run-command.ts'
import { makeWorkFolder } from '../stack/work-folder.ts'

export type FakeMachine = {
  /** Writes an executable of this name for the shell, beside nothing else on the PATH that Go could hide behind. */
  readonly install: (name: string, script: string) => Promise<string>
  /** Runs a file of this repository under Node, with these settings besides PATH and cache, whether it succeeds or not. */
  readonly run: (file: string, args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Ran>
}

type Ran = Output & { readonly code: number | null }

const ROOT = join(import.meta.dirname, '..', '..')

/** A Go that writes an empty file for each program, but for what `unless` does first: `$*` is the command line. */
export function fakeGo(unless = ''): string {
  const version = JSON.stringify({ GOVERSION: 'go1.26.0', GOOS: 'linux', GOARCH: 'amd64' })
  return `[ "$1" = env ] && echo '${version}' && exit\n${unless}\n: > "$3"`
}

/** Makes one that is gone with its owner. */
export async function makeFakeMachine(owner: Owner): Promise<FakeMachine> {
  const folder = await makeWorkFolder(owner, 'machine')
  const install: FakeMachine['install'] = async (name, script) => {
    const file = join(folder, 'bin', name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return file
  }
  const settings = {
    PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
    HOME: folder,
    SHEDU_STACK_CACHE: join(folder, 'cache'),
  }
  const run: FakeMachine['run'] = async (file, args, env = {}) => {
    const command = {
      file: process.execPath,
      args: [join(ROOT, file), ...args],
      cwd: ROOT,
      env: { ...settings, ...env },
    }
    try {
      return { ...(await runCommand(command)), code: 0 }
    } catch (error) {
      if (error instanceof CommandFailed) return { ...error.output, code: error.code }
      throw error
    }
  }
  return { install, run }
}

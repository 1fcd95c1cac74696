/** `shedu completion`: the script for one shell. */
import type { Command } from 'commander'
import { bashCompletion } from '../completion/bash.ts'
import { describeCommands } from '../completion/describe.ts'
import { fishCompletion } from '../completion/fish.ts'
import { zshCompletion } from '../completion/zsh.ts'
import type { Shell } from '../flags/completion.ts'
import type { Streams } from '../streams.ts'

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

/** Prints the script for every command that the program has. */
export function completion(program: Command, shell: Shell, { stdout }: Streams): 0 {
  stdout.write(SCRIPTS[shell](describeCommands(program)))
  return 0
}

/** What there is to complete, read off the commands themselves, so that no flag is known here that they do not have. */
import type { Argument, Command, Option } from 'commander'

/** What stands where a value may be. `text` is what nobody can guess. */
export type Value =
  | { readonly kind: 'file' | 'folder' | 'text' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }

export type DescribedFlag = {
  /** `-f` and `--file`, or the long one alone. */
  readonly names: readonly string[]
  readonly description: string
  /** Undefined where it takes none. */
  readonly value: Value | undefined
  /** Whether more than one value may follow, or the flag may be given again. */
  readonly isRepeatable: boolean
  /** Whether values follow up to the next flag. */
  readonly isVariadic: boolean
}

export type DescribedCommand = {
  readonly name: string
  readonly description: string
  readonly flags: readonly DescribedFlag[]
  readonly operand: Value | undefined
}

/** Every command of the program that is shown in its help, with its flags. */
export function describeCommands(program: Command): readonly DescribedCommand[] {
  return program.commands.map(command => ({
    name: command.name(),
    description: command.summary() || command.description(),
    flags: [...command.options.map(describeFlag), HELP],
    operand: command.registeredArguments.map(valueOf)[0],
  }))
}

const HELP: DescribedFlag = {
  names: ['-h', '--help'],
  description: 'show what there is to say',
  value: undefined,
  isRepeatable: false,
  isVariadic: false,
}

function describeFlag(option: Option): DescribedFlag {
  const { short, long, description, variadic, required, optional } = option
  return {
    names: [short, long].filter(name => name !== undefined),
    description,
    value: required || optional ? valueOf(option) : undefined,
    isRepeatable: variadic || isCollected(option),
    isVariadic: variadic,
  }
}

/** By the name of the value in the help: `<file>`, `<path...>`, `<dir>`. */
function valueOf(of: Option | Argument): Value {
  const { argChoices } = of
  if (argChoices !== undefined) return { kind: 'choice', choices: argChoices }
  const name = 'flags' in of ? of.flags : of.name()
  if (/<dir>/.test(name)) return { kind: 'folder' }
  return { kind: /<(?:file|path)(?:\.\.\.)?>|^file$/.test(name) ? 'file' : 'text' }
}

/** `-o` is given once for each form. */
function isCollected({ flags }: Option): boolean {
  return flags.includes('[=')
}

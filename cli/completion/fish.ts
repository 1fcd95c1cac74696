/** Completion for fish: a line for each command and flag. */
import type { DescribedCommand, DescribedFlag, Value } from './describe.ts'

/** The script, to be read by `source`, or as a file in fish's folder of completions. */
export function fishCompletion(commands: readonly DescribedCommand[]): string {
  const lines = commands.flatMap(command => [
    `complete -c shedu -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.description)}`,
    ...command.flags.map(flag => flagLine(command.name, flag)),
    ...(command.operand === undefined ? [] : [operandLine(command.name, command.operand)]),
  ])
  return `# shedu: completion for fish\ncomplete -c shedu -f\n${lines.join('\n')}\n`
}

function seen(command: string): string {
  return `-n '__fish_seen_subcommand_from ${command}'`
}

function flagLine(command: string, { names, description, value }: DescribedFlag): string {
  const spelt = names.map(name => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  const takes = value === undefined ? [] : [`-r ${valueOf(value)}`]
  return ['complete -c shedu', seen(command), ...spelt, ...takes, `-d ${quoted(description)}`].join(' ')
}

function operandLine(command: string, value: Value): string {
  return `complete -c shedu ${seen(command)} ${valueOf(value)}`
}

function valueOf(value: Value): string {
  switch (value.kind) {
    case 'file':
      return '-F'
    case 'folder':
      return "-f -a '(__fish_complete_directories)'"
    case 'choice':
      return `-f -a '${value.choices.join(' ')}'`
    default:
      return '-f'
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** Completion for bash: one function, which knows every flag; nothing of what is typed is ever run. */
import type { DescribedCommand, DescribedFlag, Value } from './describe.ts'

/** The script, to be read by `source`. */
export function bashCompletion(commands: readonly DescribedCommand[]): string {
  const flags = commands.flatMap(command => command.flags.map(flag => [command, flag] as const))
  return `# shedu: completion for bash
_shedu() {
  local word index command='' flag='' values=0
  local current=\${COMP_WORDS[COMP_CWORD]}
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in
      -?*) flag=$word values=0 ;;
      *) if [[ -z $command ]]; then command=$word; else values=$((values + 1)); fi ;;
    esac
  done
  COMPREPLY=()
  case "$command $flag $values" in
${flags.flatMap(([{ name }, flag]) => valueCase(name, flag)).join('\n')}
  esac
  case $command in
    '') _shedu_words '${commands.map(({ name }) => name).join(' ')} --help --version' ;;
${commands.map(commandCase).join('\n')}
  esac
}
_shedu_words() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($(compgen -W "$1" -- "$current"))
}
_shedu_file() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
complete -F _shedu shedu
`
}

/** Behind a flag that takes a value: the first, or every one up to the next flag. */
function valueCase(command: string, { names, value, isVariadic }: DescribedFlag): readonly string[] {
  if (value === undefined) return []
  const patterns = names.map(name => `"${command} ${name} "${isVariadic ? '*' : '0'}`)
  const isOver = isVariadic ? '[[ $current == -?* ]] || ' : ''
  return [`    ${patterns.join('|')}) ${isOver}{ ${complete(value)}; return; } ;;`]
}

function commandCase({ name, flags, operand }: DescribedCommand): string {
  const words = flags.flatMap(({ names }) => names).join(' ')
  const isFlag = operand === undefined ? '' : `if [[ $current != -* ]]; then ${complete(operand)}; return; fi; `
  return `    ${name}) ${isFlag}_shedu_words '${words}' ;;`
}

function complete(value: Value): string {
  switch (value.kind) {
    case 'file':
      return '_shedu_file -f'
    case 'folder':
      return '_shedu_file -d'
    case 'choice':
      return `_shedu_words '${value.choices.join(' ')}'`
    default:
      return ':'
  }
}

/** Completion for zsh: its own `_arguments`, told every flag. */
import type { DescribedCommand, DescribedFlag, Value } from './describe.ts'

/** The script, to be read by `source`, or as `_shedu` in a folder of `fpath`. */
export function zshCompletion(commands: readonly DescribedCommand[]): string {
  return `#compdef shedu
# shedu: completion for zsh
_shedu() {
  local line state
  _arguments -C '1:command:->command' '*::argument:->argument' && return
  case $state in
    command) local -a commands=(
${commands.map(({ name, description }) => `      ${quoted(`${name}:${description}`)}`).join('\n')}
      )
      _describe command commands ;;
    argument) case $line[1] in
${commands.map(commandCase).join('\n')}
    esac ;;
  esac
}
if [ "$funcstack[1]" = _shedu ]; then _shedu "$@"; else compdef _shedu shedu; fi
`
}

function commandCase({ name, flags, operand }: DescribedCommand): string {
  // To `_arguments`, a second value of a flag is a word that belongs to none.
  const further = flags.find(({ isVariadic }) => isVariadic)?.value
  const words = [
    ...(operand === undefined ? [] : [quoted(`1:${actionOf(operand)}`)]),
    ...(further === undefined ? [] : [quoted(`*:${actionOf(further)}`)]),
  ]
  const specs = [...flags.map(specOf), ...words]
  return `      ${name}) _arguments ${specs.join(' \\\n        ')} ;;`
}

/** `'*'{-f,--file}'[…]:file:_files'`. */
function specOf({ names, description, value, isRepeatable }: DescribedFlag): string {
  const once = names.length > 1 ? quoted(`(${names.join(' ')})`) : ''
  const spelt = names.length > 1 ? `{${names.join(',')}}` : (names[0] ?? '')
  const text = `[${description.replace(/[[\]\\]/g, '\\$&')}]`
  const takes = value === undefined ? '' : `:${actionOf(value)}`
  return `${isRepeatable ? "'*'" : once}${spelt}${quoted(`${text}${takes}`)}`
}

function actionOf(value: Value): string {
  switch (value.kind) {
    case 'file':
      return 'file:_files'
    case 'folder':
      return 'folder:_files -/'
    case 'choice':
      return `value:(${value.choices.join(' ')})`
    default:
      return 'value: '
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

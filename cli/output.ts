/** In which forms results are said, and where each goes, as people write it on the command line. */
import { InputError } from '#core/domain/input-error.ts'

export const FORMS = ['text', 'json', 'sarif', 'junit', 'github'] as const
export type Form = (typeof FORMS)[number]

/** `file` undefined: to standard output. */
export type Output = { readonly form: Form; readonly file: string | undefined }

/** What people read, line by line, and what can be mixed: the runner of GitHub takes its commands out of whatever else it reads. */
export const LINES: readonly Form[] = ['text', 'github']

/** Adds `form` or `form=file` to what was given before; throws an InputError for what is no form, or would be mixed up. */
export function addOutput(text: string, before: readonly Output[] = []): readonly Output[] {
  const output = parseOutput(text)
  const beside = before.filter(({ file }) => file === output.file)
  if (beside.some(({ form }) => form === output.form)) throw new InputError('expected each form once')
  const isMixed = output.file !== undefined || [output, ...beside].some(({ form }) => !LINES.includes(form))
  if (beside.length > 0 && isMixed)
    throw new InputError(
      output.file === undefined
        ? `standard output takes one of ${beside.map(({ form }) => form).join(', ')} and ${output.form}; give the other a file: ${output.form}=FILE`
        : `two forms would be written to ${output.file}`,
    )
  return [...before, output]
}

function parseOutput(text: string): Output {
  const [name = '', ...rest] = text.split('=')
  const form = FORMS.find(one => one === name)
  if (form === undefined)
    throw new InputError(`expected one of ${FORMS.join(', ')}, each alone or with =FILE behind it`)
  if (rest.length === 0) return { form, file: undefined }
  const file = rest.join('=')
  if (file === '') throw new InputError(`expected the name of a file after ${form}=`)
  return { form, file: file === '-' ? undefined : file }
}

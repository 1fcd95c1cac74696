/** The one error of a bound that was passed. */
import { InputError } from '#core/domain/input-error.ts'

/** There is more here than the reader is willing to hold: longer, deeper, or more items. Whether it is well formed was not looked at. */
export class LimitError extends InputError {}

/** Where the next page of a list is, by the Link header's grammar (RFC 8288 section 3). */
import { InputError } from '#core/domain/input-error.ts'

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const PARAMETER = `[ \\t]*;[ \\t]*${TOKEN}(?:=(?:${TOKEN}|"(?:[^"\\\\]|\\\\.)*"))?`
const LINK = new RegExp(`[ \\t,]*<([^<>]*)>((?:${PARAMETER})*)[ \\t]*(?=,|$)`, 'y')
const REL_NEXT = /;[ \t]*rel=(?:"(?:[^"\\]* )?next(?: [^"\\]*)?"|next(?=[ \t]*(?:;|$)))/i

/**
 * The address of the next page, or undefined when this is the last. It must lie where this page lay: the credential for
 * this registry goes with it. A header that is not of the grammar is an InputError, for what it hides may be a signature.
 */
export function parseNextPage(header: string, page: URL): URL | undefined {
  LINK.lastIndex = 0
  for (let at = 0; at < header.length; at = LINK.lastIndex) {
    const found = LINK.exec(header)
    if (found === null) throw new InputError(`expected a Link header, got ${JSON.stringify(header.slice(0, 120))}`)
    const [, target = '', parameters = ''] = found
    if (REL_NEXT.test(parameters)) return parseTarget(target, page)
  }
  return undefined
}

function parseTarget(text: string, page: URL): URL {
  const target = URL.parse(text, page.href)
  const isHere = target !== null && target.origin === page.origin && target.username === '' && target.password === ''
  if (isHere) return target
  throw new InputError(`expected the next page on ${page.host}, got ${JSON.stringify(text.slice(0, 120))}`)
}

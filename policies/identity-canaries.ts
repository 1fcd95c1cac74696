/**
 * Says in which way an expression for signers may let in whom its author did not mean. It is tried on canaries: names that
 * a stranger could have, some the same for all expressions, some made of what the expression itself asks for.
 */
import type { RE2JS } from 're2js'
import { samplesOf } from './expression-samples.ts'

/** Which part of an identity an expression is about. */
export type IdentityPart = 'issuer' | 'subject'

type Canary = { readonly name: string; readonly remedy: string }

const ANCHOR = 'it is looked for anywhere in a name: put ^(?: before it and )$ behind it, with .* where more may follow'
const HOST = 'write the whole host before anything that may be chosen freely'
const DOT = 'a dot stands for any character: write \\. for a dot'
const STRANGER = 'name somebody in particular'

/** What anybody can be certified as, by the certificate authorities that there are or by one of their own. */
const STRANGERS: Readonly<Record<IdentityPart, readonly string[]>> = {
  issuer: ['https://attacker.example', 'https://attacker.example/realms/any', 'attacker.example'],
  subject: [
    'mallory@attacker.example',
    'mallory@gmail.com',
    'https://github.com/mallory/evil/.github/workflows/build.yml@refs/heads/main',
    'https://gitlab.com/mallory/evil//.gitlab-ci.yml@refs/heads/main',
    'https://attacker.example/',
  ],
}

/** One sentence for each way in which it does, with the canary that shows it; none for an expression that is as narrow as it looks. */
export function expressionWarnings(expression: RE2JS, part: IdentityPart): readonly string[] {
  const strangers = STRANGERS[part].filter(name => expression.test(name))
  if (strangers.length === STRANGERS[part].length) return [`matches every ${part}: ${STRANGER}`]
  const derived = samplesOf(expression).flatMap(sample => canariesOf(sample, expression))
  const canaries = [...strangers.map(name => ({ name, remedy: STRANGER })), ...derived]
  const first = new Map(canaries.toReversed().map(({ name, remedy }) => [remedy, name]))
  return [...first].toReversed().map(([remedy, name]) => `also matches ${quoted(name)}: ${remedy}`)
}

/** The canaries that can be made of one text that the expression matches, and that it matches too. */
function canariesOf(sample: string, expression: RE2JS): readonly Canary[] {
  return [...inLongerNames(sample, expression), ...withAnotherHost(sample, expression)].filter(
    ({ name }) => name !== sample && expression.test(name),
  )
}

/** What is matched only because an expression need not be the whole: what it says itself may stand before or after is meant. */
function inLongerNames(sample: string, expression: RE2JS): readonly Canary[] {
  return [...preceded(sample), ...continued(sample)]
    .filter(name => !expression.testExact(name))
    .map(name => ({ name, remedy: ANCHOR }))
}

function withAnotherHost(sample: string, expression: RE2JS): readonly Canary[] {
  // `.*@example\.com`: in the name of a mailbox the host comes last, and what stands before it is meant to be free.
  const isMailbox = sample.includes('@') && !sample.includes('/')
  const before = isMailbox ? [] : [`https://evil.example/?${sample}`]
  const after = /(?::\/\/|@)[^/?#]*$/.test(sample) ? continued(sample) : []
  const chosen = [...before, ...after].filter(name => expression.testExact(name))
  const other = sample.replace(/^(\w+:\/\/)[^/?#]*/, '$1attacker.example')
  const undotted = sample.replace(/((?::\/\/|@)[^/?#:]*)\.([^./?#:@]+\.[^./?#:@]+)/, '$1x$2')
  return [...[...chosen, other].map(name => ({ name, remedy: HOST })), { name: undotted, remedy: DOT }]
}

/** `@example\.com$` says in so many words that whatever stands before is free; another beginning begins something. */
function preceded(sample: string): readonly string[] {
  if (sample.startsWith('@')) return []
  return [sample.includes('/') ? `https://evil.example/?${sample}` : `x${sample}`]
}

/** After a letter, more goes on with the name itself; after a slash or the like, it lies below what was named. */
function continued(sample: string): readonly string[] {
  return /[\w-]$/.test(sample) ? [`${sample}.attacker.example`] : []
}

/** A canary is as long as what it is made of. */
function quoted(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)
}

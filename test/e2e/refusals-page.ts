/** Renders docs/refusals.md: what was typed, what kubectl printed, what to do. */
import { stringify } from 'yaml'
import type { Situation } from './situations.ts'
import type { Said } from './terminal.ts'

/** What differs between two runs, by the word that stands for it on the page. */
export type Placeholders = Readonly<Record<'REGISTRY' | 'FAULTY' | 'WEBHOOK' | 'NAMESPACE', string>>

const HEAD = `# What kubectl prints when Shedu says no

A test types each of these at a real API server and compares this page with what was printed, word for word, but for what differs from run to run: \`REGISTRY\` and \`WEBHOOK\` stand for an address, \`NAMESPACE\` for a name, \`sha256:DIGEST\` and \`FINGERPRINT\` for 64 hexadecimal digits, \`SERIAL\` for the serial number of a certificate, \`TIME\` for a number.

The first line is kubectl's own up to \`denied the request:\`; what follows is Shedu's: how many images, then a block for each, with the field, what is wrong, what was found, which policy wants it, and what to do. Every code is explained in [codes.md](codes.md).
`

/** The section of one situation, without anything that differs from run to run. */
export function renderSection(situation: Situation, { stdout, stderr }: Said, placeholders: Placeholders): string {
  const { title, file, typed, todo } = situation
  const yaml =
    file === undefined
      ? ''
      : `\`\`\`yaml\n# ${file.name}\n${stringify(file.object, { lineWidth: 0, aliasDuplicateObjects: false })}\`\`\`\n\n`
  const said = normalise(`${stderr}${stdout}`, placeholders).trimEnd()
  const command = typed.split(' ').map(word => (word.includes('{') ? `'${word}'` : word))
  const screen = `\`\`\`console\n$ kubectl ${command.join(' ')}\n${said}\n\`\`\``
  return `## ${title}\n\n${yaml}${screen}\n\n${todo}\n`.replaceAll('FAULTY', 'REGISTRY')
}

/** The whole page. */
export function renderPage(sections: readonly string[]): string {
  return [HEAD, ...sections].join('\n')
}

/** The sections of a page, by their titles. */
export function readSections(page: string): ReadonlyMap<string, string> {
  const [, ...sections] = page.split(/^(?=## )/m)
  return new Map(sections.map(section => [section.slice(3, section.indexOf('\n')), `${section.trimEnd()}\n`]))
}

function normalise(text: string, placeholders: Placeholders): string {
  let page = text
  for (const [word, found] of Object.entries(placeholders)) page = page.replaceAll(found, word)
  return page
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:DIGEST')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'FINGERPRINT')
    .replaceAll(/(?<=the certificate )[0-9a-f]{20,}\b/g, 'SERIAL')
    .replaceAll(/\b\d+ ms\b/g, 'TIME ms')
}

/** An error as one line for a terminal: what it says, and why, and why that. */

/** How many errors of a chain of causes are told. */
const CAUSES = 5

/** Joins the messages of an error and its causes by colons; line breaks become spaces. */
export function errorLine(error: unknown): string {
  const messages: string[] = []
  for (let at = error; at !== undefined && messages.length < CAUSES; at = at instanceof Error ? at.cause : undefined)
    messages.push(at instanceof Error ? at.message : JSON.stringify(at))
  return messages.join(': ').replaceAll(/\s+/g, ' ')
}

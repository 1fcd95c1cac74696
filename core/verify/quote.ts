/** Foreign text in a message: quoted, and no longer than a reader of the message can bear. */

const MOST_CHARACTERS = 120

export function quote(text: string): string {
  return JSON.stringify(text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text)
}

/** The signed head of a log's tree: a note (C2SP signed-note) that holds a checkpoint (C2SP tlog-checkpoint). */

export type Head = { readonly origin: string; readonly size: number; readonly rootHash: Uint8Array }

export type NoteSigner = {
  /** As it stands before the signature. */
  readonly name: string
  /** Four bytes. */
  readonly hint: Uint8Array
  readonly sign: (note: Uint8Array) => Uint8Array
}

/** The signature is over the text up to and with the line feed before the blank line. */
export function encodeCheckpoint({ origin, size, rootHash }: Head, { name, hint, sign }: NoteSigner): string {
  const note = `${origin}\n${size}\n${Buffer.from(rootHash).toString('base64')}\n`
  const signature = Buffer.concat([hint, sign(Buffer.from(note))])
  return `${note}\n— ${name} ${signature.toString('base64')}\n`
}

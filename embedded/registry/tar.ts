/** Writes one file as a POSIX ustar archive: enough for a layer that real tools unpack. */

const BLOCK_BYTES = 512

/** The archive that holds `contents` under `name`, the same bytes every time. */
export function encodeTar(name: string, contents: Uint8Array): Uint8Array {
  const padding = (BLOCK_BYTES - (contents.byteLength % BLOCK_BYTES)) % BLOCK_BYTES
  // POSIX.1-2001, pax, "ustar Interchange Format": two empty blocks end the archive
  return Buffer.concat([header(name, contents.byteLength), contents, Buffer.alloc(padding + 2 * BLOCK_BYTES)])
}

function header(name: string, bytes: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name, 0, 100)
  block.write(octal(0o644, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(bytes, 11), 124)
  block.write(octal(0, 11), 136)
  block.fill(' ', 148, 156)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  const checksum = block.reduce((sum, byte) => sum + byte, 0)
  block.write(`${octal(checksum, 6)}\0 `, 148)
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** Refuses JSON that would cost far more to hold or to walk than to send, before anything is made of it. */
import { LimitError } from './limit-error.ts'

/**
 * Levels of nesting; and values, counted as lists and objects that begin, commas, and sixteen blanks each: what a walk
 * over the tokens costs is a microsecond for each of these, whatever else the text consists of.
 */
export type Extent = { readonly depth: number; readonly values: number }

const BLANKS_PER_VALUE = 16

const BLANK = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c

/**
 * Scans the bytes once, strings stepped over, whatever else they are. As long as a reader has met no fault, it has met
 * nothing that was not counted here, so one that stops at the first fault never goes deeper. Throws a LimitError.
 */
export function refuseExcess(bytes: Uint8Array, most: Extent, what: string): void {
  let depth = 0
  let values = 0
  let blanks = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === QUOTE) at = endOfString(bytes, at)
    else if (byte === COMMA) values++
    else if (byte <= BLANK) blanks++
    else if (isOpen(byte)) {
      values++
      if (++depth > most.depth) throw new LimitError(`expected at most ${most.depth} levels of nesting in ${what}`)
    } else if (isClose(byte)) depth--
  }
  const found = values + Math.floor(blanks / BLANKS_PER_VALUE)
  if (found > most.values) throw new LimitError(`expected at most ${most.values} values in ${what}, got ${found}`)
}

function isOpen(byte: number): boolean {
  return byte === 0x5b || byte === 0x7b
}

function isClose(byte: number): boolean {
  return byte === 0x5d || byte === 0x7d
}

/** Where the string that begins at `start` ends, or the end of the bytes if it does not. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}

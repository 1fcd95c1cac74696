/** The three streams a command talks through, handed in so that a test can hold the other ends. */
import type { Readable, Writable } from 'node:stream'

export type Streams = { readonly stdin: Readable; readonly stdout: Writable; readonly stderr: Writable }

/** What lives as long as the process: closed in reverse order of opening, all of it, whatever fails on the way. */
export class Lifecycle {
  readonly #opened = new AsyncDisposableStack()
  #closing: Promise<void> | undefined

  /** Registers what has just been opened. Closing starts with the last one registered and waits for each. */
  onClose(close: () => void | Promise<void>): void {
    this.#opened.defer(close)
  }

  /** Closes everything once, however often it is called. One that fails does not keep the others open; then it throws. */
  close(): Promise<void> {
    this.#closing ??= this.#opened.disposeAsync()
    return this.#closing
  }
}

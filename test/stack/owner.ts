/** Who answers for a process or a folder: it ends when its owner ends. */

/** A tap test is one. At the end of a test that failed, what it owns has its say through `comment`. */
export type Owner = {
  readonly teardown: (end: () => Promise<void>) => unknown
  readonly passing?: () => boolean
  readonly comment?: (text: string) => void
}

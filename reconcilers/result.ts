/** What a reconciler says of one key: done, to be looked at again, or beyond what trying again can help. */
export type Result =
  | { readonly next: 'settled' }
  | { readonly next: 'again'; readonly afterMs: number }
  /** Reported, and not tried again before something changes. */
  | { readonly next: 'stuck'; readonly why: string }

/** Looks at the world and makes one thing as it should be, whatever has happened to it. What it throws means: again, later. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Result>

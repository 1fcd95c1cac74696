/** Hears from whoever runs the program that it is to end. */

/** Resolves at the first SIGTERM or SIGINT; the second ends the process at once, with exit code 1. */
export function toldToEnd(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let times = 0
  const onSignal = () => (++times === 1 ? resolve() : process.exit(1))
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  return promise
}

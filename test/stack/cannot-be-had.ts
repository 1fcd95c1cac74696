/** What this machine cannot have, told apart from what is broken. */

/** There is no Go that would do, or a module does not come: no fault of ours, and nothing that a change here would mend. */
export class CannotBeHad extends Error {
  override readonly name = 'CannotBeHad'
}

/** Go's own words for it. What is not listed counts as a fault, so that none is mistaken for a poor connection. */
const NOT_DOWNLOADED = [
  /module lookup disabled by GOPROXY=off$/,
  /: reading https?:\/\/\S+: \d{3} /,
  /: (?:Get|Head) "https?:\/\/\S+": /,
  // The connection broke off in the middle of a module.
  /(?:^| )\S+@v\S+: (?:read tcp |unexpected EOF$|stream error: )/,
  // Without a proxy, modules come from where they are developed.
  /GOVCS disallows using /,
  /: git [a-z-]+ .*: exit status \d+:$/,
  /exec: "git": executable file not found/,
  // The Go is there and too old for this one module.
  /requires go >= \S+ \(running go /,
]

/**
 * Takes what a failed `go build` wrote; gives the first line that says why a module did not come, and undefined when
 * anything else went wrong too. Go compiles nothing before all modules are there, so no compile error hides behind one.
 */
export function whyNotDownloaded(stderr: string): string | undefined {
  // What is indented belongs to the line before: the answer of a server, the words of git.
  const lines = stderr.split('\n').filter(line => /^\S/.test(line) && !/^go: (?:downloading|finding) /.test(line))
  const isWanting = lines.every(line => NOT_DOWNLOADED.some(words => words.test(line)))
  return isWanting ? lines[0]?.replace(/^go: /, '') : undefined
}

/** The environment of every program here: nothing of the user's, and no way out of this machine. */

/** Nothing listens on port 9, so that a program which asks the world is refused at once. Go never sends loopback addresses to a proxy. */
const NOWHERE = 'http://127.0.0.1:9'

/** An environment whose home is `home`. What a program reads from the user's own settings would make a test pass here and fail there. */
export function isolatedEnv(home: string, more: Readonly<Record<string, string>> = {}) {
  return { PATH: process.env['PATH'], HOME: home, TMPDIR: home, HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, ...more }
}

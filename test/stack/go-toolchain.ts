/** The Go that builds the programs, and the settings under which two machines build the same bytes. */
import { CannotBeHad } from './cannot-be-had.ts'
import { CommandFailed, runCommand } from './run-command.ts'

type Environment = Readonly<Record<string, string | undefined>>

export type GoToolchain = {
  /** What decides the bytes besides the sources: version of Go, system, processor. */
  readonly target: string
  readonly env: Environment
}

const WITHOUT_GO =
  'the real programs are built with Go 1.26, and there is no `go` on the PATH: take the newest 1.26 from go.dev/dl, ' +
  'unpack it and add its bin folder to the PATH (a package of your system does as well, if it is 1.26 or newer)'

/** Asks the `go` on the PATH what it is. Throws a CannotBeHad with what to install where there is none that would do. */
export async function findGo(environment: Environment): Promise<GoToolchain> {
  const env = {
    ...environment,
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=readonly -buildvcs=false',
    GOWORK: 'off',
    GOOS: '',
    GOARCH: '',
  }
  const { GOVERSION, GOOS, GOARCH } = await askGo(env)
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(GOVERSION) ?? []
  if (Number(major) < 1 || Number(minor) < 26)
    throw new CannotBeHad(`expected Go 1.26, found ${GOVERSION}: ${WITHOUT_GO}`)
  return { target: `${GOVERSION} ${GOOS}/${GOARCH}`, env }
}

async function askGo(env: Environment): Promise<Readonly<Record<'GOVERSION' | 'GOOS' | 'GOARCH', string>>> {
  try {
    const { stdout } = await runCommand({ file: 'go', args: ['env', '-json', 'GOVERSION', 'GOOS', 'GOARCH'], env })
    return JSON.parse(stdout)
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    // 127: the shell's word for a program that is not there. Others that do not answer are stand-ins for a Go to be chosen.
    const why =
      error.code === 127 ? WITHOUT_GO : `the \`go\` on the PATH does not answer: ${error.output.stderr.trim()}`
    throw new CannotBeHad(why, { cause: error })
  }
}

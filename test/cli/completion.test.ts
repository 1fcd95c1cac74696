import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { shedu } from './run-shedu.ts'

const exec = promisify(execFile)

/** What bash would offer for the last of these words, in a folder with a file, a folder and a name with a space. */
async function offeredByBash(dir: string, words: readonly string[]): Promise<readonly string[]> {
  const quoted = words.map(word => `'${word}'`).join(' ')
  const script = `source ./script; COMP_WORDS=(shedu ${quoted}); COMP_CWORD=${words.length}; _shedu; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await exec('bash', ['--norc', '-c', script], { cwd: dir })
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .toSorted()
}

async function folder(t: Test, shell: string): Promise<string> {
  const { code, stdout, stderr } = await shedu(['completion', shell])
  t.strictSame([code, stderr], [0, ''])
  return t.testdir({ script: stdout, deploy: { 'a.yaml': '' }, 'p d.yaml': '', 'pod.yaml': '' })
}

/** The flags that the help of a command names. */
async function flagsOf(command: string): Promise<readonly string[]> {
  const { stdout } = await shedu([command, '--help'])
  const [, options = ''] = stdout.split('Options:\n')
  return [...options.matchAll(/^ {2}(-\w, )?(--[\w-]+)/gm)].flatMap(([, short, long = '']) =>
    short === undefined ? [long] : [short.slice(0, 2), long],
  )
}

t.test('bash completes commands, every flag of each, choices, files and folders', async t => {
  const dir = await folder(t, 'bash')
  const offered = (...words: string[]) => offeredByBash(dir, words)
  t.strictSame(await offered(''), ['--help', '--version', 'check', 'completion', 'explain', 'verify'])
  for (const command of ['check', 'explain', 'verify'])
    t.strictSame(await offered(command, '-'), [...new Set(await flagsOf(command))].toSorted(), command)
  t.strictSame(await offered('check', '--po'), ['--policies'])
  t.strictSame(await offered('check', '-f', 'p'), ['p d.yaml', 'pod.yaml'])
  t.strictSame(await offered('check', '-f', 'pod.yaml', 'd'), ['deploy'], 'a second file of one flag')
  t.strictSame(await offered('check', '-f', 'pod.yaml', '--st'), ['--strict'])
  t.strictSame(await offered('check', '--policies', ''), ['deploy'], 'folders only')
  t.strictSame(await offered('check', '-o', ''), ['github', 'json', 'junit', 'sarif', 'text'])
  t.strictSame(await offered('explain', '-o', 'j'), ['json'])
  t.strictSame(await offered('check', '--timeout', ''), [], 'nobody can guess a time')
  t.strictSame(await offered('verify', 'pod'), ['pod.yaml'], 'what is verified is a file')
  t.strictSame(await offered('completion', ''), ['bash', 'fish', 'zsh'])
})

t.test('nothing that is typed or that a folder holds is run', async t => {
  const dir = t.testdir({ script: (await shedu(['completion', 'bash'])).stdout, '$(touch run)': '', '`touch run`': '' })
  t.strictSame(await offeredByBash(dir, ['check', '-f', '']), ['$(touch run)', '`touch run`', 'script'])
  t.strictSame(await offeredByBash(dir, ['check', '-f', '$(touch run)']), ['$(touch run)'])
  t.strictSame(await offeredByBash(dir, ['check', '-o', '$(touch run)']), [])
  t.strictSame(await offeredByBash(dir, ['check', '-f', 'r']), [])
})

for (const shell of ['zsh', 'fish'])
  t.test(`${shell} reads its script`, { skip: has(shell) ? false : `${shell} is not installed here` }, async t => {
    const dir = await folder(t, shell)
    await exec(shell, ['-n', join(dir, 'script')])
  })

t.test(
  'fish completes flags, choices and files',
  { skip: has('fish') ? false : 'fish is not installed here' },
  async t => {
    const dir = await folder(t, 'fish')
    const offered = async (line: string) => {
      const { stdout } = await exec('fish', ['--no-config', '-c', `source ./script; complete -C '${line}'`], {
        cwd: dir,
      })
      return stdout
        .split('\n')
        .filter(line => line !== '')
        .map(line => line.split('\t')[0] ?? '')
        .toSorted()
    }
    t.strictSame(await offered('shedu '), ['check', 'completion', 'explain', 'verify'])
    t.strictSame(await offered('shedu check --po'), ['--policies'])
    t.strictSame(await offered('shedu check -o '), ['github', 'json', 'junit', 'sarif', 'text'])
    t.strictSame(await offered('shedu check -f p'), ['p d.yaml', 'pod.yaml'])
    t.strictSame(await offered('shedu check --policies d'), ['deploy/'])
  },
)

t.test('a shell that is not known is named with those that are', async t => {
  const { code, stdout, stderr } = await shedu(['completion', 'tcsh'])
  t.strictSame([code, stdout], [2, ''])
  t.match(stderr, /Allowed choices are bash, zsh, fish/)
})

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0
}

/**
 * Makes sure the packages of the lockfile are installed, once, and hands out the Node 24 among them.
 * Plain JavaScript that any Node from 20 can run, because it runs before that Node is there.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// import.meta.dirname came with 20.11; any 20 will do.
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const stamp = join(root, 'node_modules', '.shedu-installed')

/** Where Node keeps what it has compiled, types erased: what is started again starts in half the time. */
const compileCache = join(root, 'node_modules', '.cache', 'node')

/** Installs what is missing, says so, and returns the path of the Node that runs Shedu. */
export function setUp() {
  const wanted = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const isInstalled = existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
  if (!isInstalled) install(wanted)
  return node
}

function install(wanted) {
  console.error('shedu: installing the packages of package-lock.json (once; about half a minute)')
  const isWindows = process.platform === 'win32'
  const { status, error } = spawnSync(isWindows ? 'npm.cmd' : 'npm', ['install', '--no-save', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 'inherit'],
    shell: isWindows,
  })
  if (error !== undefined || status !== 0 || !existsSync(node)) {
    console.error(
      `shedu: npm install did not succeed${error === undefined ? '' : ` (${error.message})`}; see above, mend it and try again`,
    )
    // To a job that asks for a verdict, 1 would be a refusal; 3 is that it could not be told.
    process.exit(3)
  }
  writeFileSync(stamp, wanted)
}

/** Runs a program under the installed Node, passes signals on, and resolves with its exit code; `onOutput` takes its stdout. */
export function run(args, { onOutput, ...options } = {}) {
  const stdio = ['inherit', onOutput === undefined ? 'inherit' : 'pipe', 'inherit']
  const env = { NODE_COMPILE_CACHE: compileCache, ...process.env }
  const child = spawn(setUp(), args, { stdio, env, ...options })
  if (onOutput !== undefined) onOutput(child.stdout)
  // The terminal sends Ctrl-C to the whole group: the child ends by itself, and this process waits for it.
  const wait = () => {}
  const passOn = () => child.kill('SIGTERM')
  process.on('SIGINT', wait)
  process.on('SIGTERM', passOn)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait)
      process.off('SIGTERM', passOn)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}

/** The path of a file of this repository. */
export function inRepository(...parts) {
  return join(root, ...parts)
}

/** One build at a time in one cache folder, whichever processes ask. */
import { open, rm, stat, utimes } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** The holder says this often that it lives. */
const BEAT_MS = 1_000

/** A lock silent for this long belongs to nobody: ten beats, because the build itself keeps the machine busy. */
const SILENT_MS = 10 * BEAT_MS

const PAUSE_MS = 200

/**
 * Runs `work` while nobody else holds the lock file. A holder that was killed leaves a file that falls silent and is
 * taken away; should two waiters take it away at once, both work, which costs time and spoils nothing.
 */
export async function withLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; !(await take(file)); tries++) {
    if (tries === 0) onWait()
    await sleep(PAUSE_MS)
  }
  const beat = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => {}), BEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    await rm(file, { force: true })
  }
}

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  // Gone between the two looks: the next try will have it.
  const beat = await stat(file).catch(() => undefined)
  if (beat !== undefined && Date.now() - beat.mtimeMs > SILENT_MS) await rm(file, { force: true })
  return false
}

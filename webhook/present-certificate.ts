/** The certificate this program shows: the administrator's, or one made now. */
import { rename, writeFile } from 'node:fs/promises'
import { readServingCertificate } from '#certs/presented/load.ts'
import type { ServingCertificate } from '#certs/presented/serving-certificate.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { Config } from './config.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Reads the files that are set, or issues a certificate and writes its authority where the setting says. */
export async function presentCertificate(config: Config, now: Date): Promise<ServingCertificate> {
  const { tlsCertFile, tlsKeyFile, tlsCaOut, tlsHosts, tlsDays } = config
  if (tlsCertFile !== undefined && tlsKeyFile !== undefined)
    return await readServingCertificate(tlsCertFile, tlsKeyFile, now)
  // Loaded only here: what issues certificates weighs a fifth of this program, and many will bring their own.
  const { issueServingCertificate } = await import('#certs/presented/issue.ts')
  const issued = await issueServingCertificate(tlsHosts, tlsDays * DAY_MS, now)
  if (tlsCaOut !== undefined) await writeWhole(tlsCaOut, issued.ca)
  return issued
}

/** By way of a second file: whoever waits for this one never reads half of it. */
async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  } catch (error) {
    throw new InputError(`cannot write the certification authority to ${JSON.stringify(file)}`, { cause: error })
  }
}

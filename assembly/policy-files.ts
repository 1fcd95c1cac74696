/** Reads the policies of a folder. */
import { InputError } from '#core/domain/input-error.ts'
import { type LoadedPolicies, parsePolicies } from '#policies/load-policies.ts'
import { readDocuments } from './read-documents.ts'

/** None without a folder. A folder without a policy is an error: the gate would answer everything by its no-match setting. */
export function readPolicies(folder: string | undefined): LoadedPolicies {
  if (folder === undefined) return { policies: [], warnings: [] }
  const { documents, ignored } = readDocuments(folder)
  const { policies, warnings } = parsePolicies(documents)
  if (policies.length === 0)
    throw new InputError(`there is no policy in ${folder}: expected files whose names end in .yaml, .yml or .json`)
  const passedOver = ignored.map(file => `${file} is not read: its name ends in none of .yaml, .yml and .json`)
  return { policies, warnings: [...warnings, ...passedOver] }
}

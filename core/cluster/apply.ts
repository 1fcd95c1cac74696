/** Server-side apply: what we name is ours, what we stop naming goes, what others own stays theirs unless we take it. */
import { parseObject } from './parse-object.ts'
import type { ClusterObject } from './resource.ts'
import type { Transport } from './transport.ts'

/** What to do about a field that another manager owns with another value: a ClusterError `conflict`, or take it. */
export type OnConflict = 'refuse' | 'take'

/** Under this name the API server knows which fields are ours. */
const FIELD_MANAGER = 'shedu'

/** Applies an object at the path of itself or of its status. The object names its `apiVersion` and `kind`. */
export async function serverSideApply(
  transport: Transport,
  {
    path,
    object,
    onConflict,
  }: { readonly path: string; readonly object: ClusterObject; readonly onConflict: OnConflict },
  signal: AbortSignal,
): Promise<ClusterObject> {
  const query = { fieldManager: FIELD_MANAGER, force: String(onConflict === 'take') }
  // The media type says YAML; JSON is YAML.
  const contentType = 'application/apply-patch+yaml'
  const { body } = await transport.ask({ method: 'PATCH', path, query, contentType, body: object }, signal)
  return parseObject(body)
}

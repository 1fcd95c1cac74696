/** The side door, under /_control/: builds images, makes keys, signs, and turns the faults on and off. */
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import { authShape } from './auth.ts'
import { buildImage } from './build-image.ts'
import type { Deed } from './control-signing.ts'
import { SIGNING_DEEDS } from './control-signing.ts'
import { faultRuleShape } from './faults.ts'
import { KEY_TYPES } from './keys.ts'
import type { Registry } from './registry.ts'
import type { Reply } from './reply.ts'
import { jsonReply } from './reply.ts'

/** A blob of 16 MiB in base64 and the JSON around it. */
const BODY_BYTES = 24 * 1024 * 1024

const imageShape = z.strictObject({
  repository: z.string(),
  tag: z.string(),
  contents: z.string().optional(),
  platforms: z.int().nonnegative().optional(),
})
const keyShape = z.strictObject({ name: z.string(), type: z.enum(KEY_TYPES) })
const repositoryShape = z.strictObject({
  repository: z.string(),
  referrersApi: z.boolean().optional(),
  pageSize: z.int().positive().optional(),
})
const putShape = z.union([
  z.strictObject({ repository: z.string(), tag: z.string().optional(), mediaType: z.string(), manifest: z.string() }),
  z.strictObject({ repository: z.string(), blob: z.base64() }),
])

const DEEDS: Readonly<Record<string, Deed>> = {
  'POST /_control/images': ({ store }, body) => {
    const { repository, tag, contents = `${repository}:${tag}`, platforms } = imageShape.parse(body)
    return buildImage(store.open(repository), { tag, contents, platforms })
  },
  'POST /_control/keys': ({ keys }, body) => {
    const { name, type } = keyShape.parse(body)
    return { publicKey: keys.make(name, type) }
  },
  ...SIGNING_DEEDS,
  'POST /_control/put': ({ store }, body) => {
    const order = putShape.parse(body)
    const repository = store.open(order.repository)
    if ('blob' in order) return { digest: repository.putBlob(Buffer.from(order.blob, 'base64')) }
    return { digest: repository.putManifest(Buffer.from(order.manifest), order.mediaType, order.tag).digest }
  },
  'PUT /_control/repositories': ({ store }, body) => {
    const { repository, referrersApi, pageSize } = repositoryShape.parse(body)
    const opened = store.open(repository)
    opened.hasReferrersApi = referrersApi ?? opened.hasReferrersApi
    opened.pageSize = pageSize ?? opened.pageSize
  },
  'PUT /_control/faults': ({ faults }, body) => faults.replace(z.array(faultRuleShape).parse(body)),
  'DELETE /_control/faults': ({ faults }) => faults.replace([]),
  'PUT /_control/auth': ({ auth }, body) => auth.set(authShape.parse(body)),
  'GET /_control/requests': ({ requests }) => requests.list(),
  'DELETE /_control/requests': ({ requests }) => requests.clear(),
}

/** Does what the request says; what it cannot do is a 400 that says why. */
export async function answerControl(request: IncomingMessage, registry: Registry, host: string): Promise<Reply> {
  const deed = DEEDS[`${request.method} ${request.url}`]
  if (deed === undefined) return jsonReply(404, { error: `no such control: ${request.method} ${request.url}` })
  try {
    return jsonReply(200, deed(registry, await readJson(request), host) ?? {})
  } catch (error) {
    if (error instanceof z.ZodError) return jsonReply(400, { error: z.prettifyError(error) })
    if (error instanceof InputError || error instanceof SyntaxError) return jsonReply(400, { error: error.message })
    return jsonReply(500, { error: String(error) })
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    bytes += piece.byteLength
    if (bytes > BODY_BYTES) throw new InputError(`expected at most ${BODY_BYTES} bytes`)
    pieces.push(piece)
  }
  return bytes === 0 ? undefined : JSON.parse(Buffer.concat(pieces).toString())
}

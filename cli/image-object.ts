/** The object that is asked about where somebody names an image and nothing else: a Pod with that one container. */
import type { ImageRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { SourcedObject } from './read-objects.ts'

/** Made here, so nobody wrote it anywhere. */
const NOWHERE = { line: 1, column: 1 }

/** The Pod in `namespace`; the image is taken as it is written, as an API server would take it. */
export function objectOfImage(image: string, namespace: string): SourcedObject {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace },
    spec: { containers: [{ name: 'image', image }] },
  }
  return {
    subject: {
      operation: 'CREATE',
      group: '',
      kind: 'Pod',
      subresource: '',
      namespace,
      name: '',
      object,
      oldObject: undefined,
      user: '',
      isDryRun: true,
    },
    apiVersion: 'v1',
    origin: 'flag',
    file: image,
    document: 1,
    positionOf: () => NOWHERE,
  }
}

/** What somebody wrote on the command line as an image. Throws an InputError that names it. */
export function parseImageArgument(text: string): ImageRef {
  try {
    return parseImageRef(text)
  } catch (error) {
    if (error instanceof InputError)
      throw new InputError(`image ${JSON.stringify(text)}: ${error.message}`, { cause: error })
    throw error
  }
}

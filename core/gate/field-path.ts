/** The paths in which Shedu names fields: `spec.containers[0].image`. */

/** Splits a path made by imagesOf into its steps: names, and indexes as numbers. */
export function readFieldPath(path: string): readonly (string | number)[] {
  return path.split('.').flatMap(part => {
    const [name = '', ...indexes] = part.split('[')
    return [name, ...indexes.map(index => Number.parseInt(index, 10))]
  })
}

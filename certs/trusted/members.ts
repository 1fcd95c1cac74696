/** Reads the members of a JSON object one by one; every complaint names the member from the top: `tlogs[1].publicKey`. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { asArray, asObject, asString, type JsonObject } from '#core/json/untrusted-json.ts'

export class Members {
  /** Where the object stands; empty at the top. */
  readonly path: string
  readonly #object: JsonObject

  /** A member that is not `known` is an InputError: passed over, a misspelt `validFor` would be a time without end. */
  constructor(value: unknown, path: string, known: readonly string[]) {
    this.path = path
    this.#object = asObject(value, path === '' ? 'the trust root' : path)
    for (const name of Object.keys(this.#object))
      if (!known.includes(name))
        throw new InputError(
          `expected ${path === '' ? '' : `in ${path} `}only ${known.join(', ')}, got ${JSON.stringify(name.slice(0, 80))}`,
        )
  }

  /** What messages call the member. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name)
  }

  text(name: string): string {
    return asString(this.#value(name), this.at(name))
  }

  /** Empty where it is left out, as protobuf has it. */
  textIfAny(name: string): string {
    return this.has(name) ? this.text(name) : ''
  }

  /** Decodes base64 of at most so many bytes, and at least one. */
  bytes(name: string, most: number): Uint8Array {
    const bytes = decodeBase64(this.text(name), this.at(name), most)
    if (bytes.length === 0) throw new InputError(`expected ${this.at(name)} to be bytes, got none`)
    return bytes
  }

  object(name: string, known: readonly string[]): Members {
    return new Members(this.#value(name), this.at(name), known)
  }

  /** Without the member, an object that has none either. */
  objectIfAny(name: string, known: readonly string[]): Members {
    return new Members(this.has(name) ? this.#value(name) : {}, this.at(name), known)
  }

  /** The objects of a list; none where it is left out, as protobuf has it. */
  list(name: string, known: readonly string[], most: number): readonly Members[] {
    const items = this.has(name) ? asArray(this.#value(name), this.at(name), most) : []
    return items.map((item, index) => new Members(item, `${this.at(name)}[${index}]`, known))
  }

  /** Runs a parser on the member, and says of what it throws where that was. */
  within<T>(name: string, parse: () => T): T {
    try {
      return parse()
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${this.at(name)}: ${error.message}`, { cause: error })
      throw error
    }
  }

  #value(name: string): unknown {
    return this.has(name) ? this.#object[name] : undefined
  }
}

import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { lineOf, parseToml } from '#core/registry/containerd-hosts/toml.ts'

const complaint = (text: string) => {
  try {
    parseToml(text, 'f')
    return 'accepted'
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

t.test('what is not TOML is refused with its line, and what stands there is not repeated', async t => {
  for (const [text, message] of [
    ['a = 1\nb = "hunter2', /^f:2: this is not TOML: /],
    ['a = 1\na = "hunter2"', /^f:2: this is not TOML: .*redefine/],
    ['\n[hunter2', /^f:2: this is not TOML: /],
    ['a = hunter2', /^f:1: this is not TOML: /],
    [`a = ${'['.repeat(9)}${']'.repeat(9)}`, /^f:1: this is not TOML: .*nested/],
    ['__proto__ = 1', /^f:1: this is not TOML: .*unsafe/],
  ] as const) {
    t.match(complaint(text), message)
    t.notMatch(complaint(text), /hunter2/)
  }
  t.equal(complaint(''), 'accepted')
  t.equal(complaint(`a = ${'['.repeat(8)}${']'.repeat(8)}`), 'accepted')
})

t.test('a text of 16 KiB is parsed, and one that is longer is not looked at', async t => {
  t.equal(complaint(`#${'x'.repeat(16_383)}`), 'accepted')
  t.equal(complaint(`[${'x'.repeat(16_384)}`), 'f: expected at most 16384 characters, got 16385')
})

t.test('the line of a field is that on which it begins, in whatever table and however it is written', async t => {
  const text = `# ca, server and host."https://b"
server = "https://ca.example" # ca
capabilities = [
  "ca",
]
ca = [
  "one.pem",
  "ca",
]

[host."https://a"]
  capabilities = ["pull"]
[host."https://b".header]
  x = """
ca = 1
"""
[host."https://b"]
"ca" = "x"
`
  t.equal(lineOf(text, ['server']), 2)
  t.equal(lineOf(text, ['capabilities']), 3)
  t.equal(lineOf(text, ['ca']), 6)
  t.equal(lineOf(text, ['host', 'https://a']), 11)
  t.equal(lineOf(text, ['host', 'https://a', 'capabilities']), 12)
  t.equal(lineOf(text, ['host', 'https://b']), 13)
  t.equal(lineOf(text, ['host', 'https://b', 'header', 'x']), 14)
  t.equal(lineOf(text, ['host', 'https://b', 'ca']), 18)
  t.equal(lineOf('host = { "https://a" = { ca = "x" } }', ['host', 'https://a', 'ca']), 1)
})

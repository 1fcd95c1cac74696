import t from 'tap'
import { whyNotDownloaded } from './cannot-be-had.ts'

/** All recorded from Go 1.26. */
const NOT_DOWNLOADED = {
  'a proxy that is switched off': 'module lookup disabled by GOPROXY=off',
  'the same, for a main of our own': 'main.go:2:9: module lookup disabled by GOPROXY=off',
  'a refusal of the proxy':
    'github.com/olareg/olareg@v0.1.2: reading http://127.0.0.1:8766/github.com/olareg/olareg/@v/v0.1.2.zip: 403 Forbidden\n\tserver response: no',
  'a proxy that is not well':
    'github.com/olareg/olareg@v0.1.2: reading http://127.0.0.1:8766/github.com/olareg/olareg/@v/v0.1.2.zip: 502 Bad Gateway',
  'a proxy at which nobody listens':
    'github.com/olareg/olareg@v0.1.2: Get "http://127.0.0.1:9/github.com/olareg/olareg/@v/v0.1.2.zip": dial tcp 127.0.0.1:9: connect: connection refused',
  'a proxy of a name that nobody knows':
    'github.com/olareg/olareg@v0.1.2: Get "https://proxy.test/github.com/olareg/olareg/@v/v0.1.2.zip": dial tcp: lookup proxy.test on 127.0.0.53:53: no such host',
  'a source that may not be asked': "GOVCS disallows using git for public github.com/olareg/olareg; see 'go help vcs'",
}

const BROKEN = {
  'a compile error': '# stack/fulcio\n./main.go:31:2: undefined: startServer',
  'an import that no module has':
    'main.go:2:71: cannot find module providing package example.test/none: import lookup disabled by -mod=readonly',
  'a module without a sum':
    'missing go.sum entry for module providing package github.com/olareg/olareg/cmd/olareg; to add:\n\tgo mod download github.com/olareg/olareg',
  'a module that is not the one that was pinned':
    'verifying github.com/olareg/olareg@v0.1.2: checksum mismatch\n\tdownloaded: h1:75G8=\n\tgo.sum:     h1:AAA8=\n\nSECURITY ERROR\nThis download does NOT match an earlier download recorded in go.sum.',
  'a full disk': 'write /tmp/go-build1/b001/_pkg_.a: no space left on device',
  silence: '',
}

const PROGRESS = 'go: downloading github.com/olareg/olareg v0.1.2\n'

t.test('a module that does not come is told in the words of Go', async t => {
  for (const [what, said] of Object.entries(NOT_DOWNLOADED)) {
    const [first] = said.split('\n')
    t.equal(whyNotDownloaded(`${PROGRESS}${said}\n`), first, what)
  }
})

t.test('anything else is a fault, alone and beside a module that does not come', async t => {
  for (const [what, said] of Object.entries(BROKEN)) {
    t.equal(whyNotDownloaded(`${PROGRESS}${said}\n`), undefined, what)
    if (said === '') continue
    for (const other of Object.values(NOT_DOWNLOADED)) t.equal(whyNotDownloaded(`${other}\n${said}\n`), undefined, what)
  }
})

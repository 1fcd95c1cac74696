import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { readInputs } from '#cli/read-inputs.ts'
import { readObjects } from '#cli/read-objects.ts'
import { readYaml } from '#cli/read-yaml.ts'
import { InputError } from '#core/domain/input-error.ts'

const value = (text: string) => readYaml('a.yaml', text).map(document => document.value)
const objects = (text: string, file = 'a.yaml') => readObjects([{ file, origin: 'named', text }], 'default').objects
const names = (text: string) =>
  objects(text).map(({ subject }) => `${subject.kind} ${subject.namespace}/${subject.name}`)

function refuses(t: Test, text: string, message: RegExp, file?: string): void {
  t.throws(() => objects(text, file), { name: 'InputError', message })
}

const POD = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: app
      image: r.test/app:1
`

t.test('reads several documents of one file and leaves out the empty ones', async t => {
  const documents = readYaml('a.yaml', `# only a comment\n---\n---\n${POD}---\nnull\n---\n${POD}...\n`)
  t.strictSame(
    documents.map(({ number, positionOf }) => [number, positionOf([]).line]),
    [
      [2, 4],
      [4, 14],
    ],
  )
})

t.test('knows the line and column of each image, in documents, Lists, aliases and merges', async t => {
  const places = (text: string) =>
    objects(text).map(object => {
      const { line, column } = object.positionOf('spec.containers[0].image')
      return `${line}:${column}`
    })
  t.strictSame(places(POD), ['7:14'])
  t.strictSame(places(`---\n${POD}---\n${POD}`), ['8:14', '16:14'])
  t.strictSame(places(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: value(POD) }, null, '\t')), ['15:16'])
  t.strictSame(
    places(POD.replace('{name: web}', '{name: web, labels: {v: &v r.test/app:1}}').replace(/r.test.*\n$/, '*v\n')),
    ['7:14'],
  )
  t.strictSame(
    places(
      'x: &c {image: r.test/app:1}\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - <<: *c\n      name: app\n',
    ),
    ['1:15'],
    'a merged field is where it was written',
  )
  t.strictSame(
    objects(POD)[0]?.positionOf('spec.containers[7].image'),
    { line: 6, column: 5 },
    'as far as the path leads',
  )
  t.strictSame(objects(POD)[0]?.positionOf(''), { line: 1, column: 1 })
})

t.test('reads scalars as kubectl reads them', async t => {
  const text = `
on: &a off
bools: [y, No, yes, ON, true, False, "no", 'on', nay]
texts: [12:30:45, 2001-12-14, 12e03, 1.2.3, <<]
numbers: [010, 0x1F, 1_000, 1.5, 1e+3]
nulls: [~, null, ""]
`
  t.strictSame(value(text), [
    {
      true: false,
      bools: [true, false, true, true, true, false, 'no', 'on', 'nay'],
      texts: ['12:30:45', '2001-12-14', '12e03', '1.2.3', '<<'],
      numbers: [8, 31, 1000, 1.5, 1000],
      nulls: [null, null, ''],
    },
  ])
  t.strictSame(value('%YAML 1.2\n---\na: on\n'), [{ a: true }], 'whatever version the file says it has')
  t.strictSame(value('{\n\t"a": ["\\u0041\\ud83d\\ude00\\/"]\n}\n'), [{ a: ['A😀/'] }], 'JSON with tabs and escapes')
})

t.test('a key named __proto__ is a key like any other', async t => {
  const [read] = value('__proto__: {polluted: true}\na: 1\n') as [object]
  t.strictSame(Object.keys(read), ['__proto__', 'a'])
  t.equal((read as { polluted?: boolean }).polluted, undefined)
})

t.test('refuses a key that occurs twice, however it is spelt', async t => {
  refuses(t, 'a: 1\nb:\n  c: 1\n  "c": 2\n', /^a.yaml:4:3: the key "c" occurs twice$/)
  refuses(t, '{"a": 1, "a": 2}', /^a.yaml:1:10: the key "a" occurs twice$/)
  refuses(t, 'true: 1\nyes: 2\n', /the key "true" occurs twice/)
  refuses(t, '1: 1\n"1": 2\n', /the key "1" occurs twice/)
})

t.test('a merge gives way to the keys after it, and the first of several sources holds', async t => {
  t.strictSame(value('a: &a {i: 1, j: 1}\nb: &b {j: 2, k: 2}\nc:\n  <<: [*a, *b]\n  i: 3\n')[0], {
    a: { i: 1, j: 1 },
    b: { j: 2, k: 2 },
    c: { i: 3, j: 1, k: 2 },
  })
})

t.test('refuses a merge that kubectl reads differently from the YAML specification', async t => {
  refuses(t, 'a: &a {image: bad}\nb:\n  image: good\n  <<: *a\n', /^a.yaml:4:7: the key "image" stands before a merge/)
  refuses(t, 'a: &a {i: 1}\nb: &b {i: 2}\nc:\n  <<: *a\n  <<: *b\n', /the key "<<" occurs twice/)
  refuses(t, 'a: &a 1\nb:\n  <<: *a\n', /expected an object to merge/)
})

t.test('an alias stands for the last anchor of its name before it', async t => {
  t.strictSame(value('a: &x 1\nb: *x\nc: &x {d: &y 2, e: *y}\nf: &y 3\ng: *x\nh: *y\n'), [
    { a: 1, b: 1, c: { d: 2, e: 2 }, f: 3, g: { d: 2, e: 2 }, h: 3 },
  ])
  refuses(t, 'a: *x\nb: &x 1\n', /^a.yaml:1:4: there is no anchor "x" before this alias$/)
  refuses(t, 'a: &x [*x]\n', /levels of nesting/)
})

t.test('refuses an alias bomb before it goes off', async t => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const items = Array.from({ length: 10 }, () => (level === 0 ? 'x' : `*l${level - 1}`))
    return `l${level}: &l${level} [${items.join(', ')}]`
  })
  refuses(t, levels.join('\n'), /expected aliases to stand for at most 20000 values/)
  const honest = `a: &a [${Array.from({ length: 199 }, () => 1).join(',')}]\nb: [${Array.from({ length: 99 }, () => '*a').join(',')}]\n`
  t.equal((value(honest)[0] as { b: unknown[] }).b.length, 99, 'what a template repeats is read')
})

t.test('refuses what is nested too deep, in the text or by aliases', async t => {
  t.doesNotThrow(() => value(`${'['.repeat(200)}${']'.repeat(200)}`))
  refuses(t, `${'['.repeat(202)}${']'.repeat(202)}`, /levels of nesting/)
  refuses(t, '['.repeat(100_000), /^a.yaml:1:[0-9]+: expected at most 200 levels of nesting$/)
  const chain = Array.from({ length: 300 }, (_, at) => `a${at}: &a${at} [${at === 0 ? 1 : `*a${at - 1}`}]`)
  refuses(t, chain.join('\n'), /levels of nesting/)
})

t.test('many keys and many aliases cost time in proportion', async t => {
  const keys = Array.from({ length: 50_000 }, (_, at) => `"k${at}":1`).join(',')
  const aliases = Array.from({ length: 15_000 }, (_, at) => `&a${at} x,*a${at}`).join(',')
  const begun = process.cpuUsage()
  value(`{${keys}}`)
  value(`[${aliases}]`)
  const { user, system } = process.cpuUsage(begun)
  t.ok(user + system < 10_000_000, 'a quadratic reader takes minutes')
})

t.test('names file, line and column of what is no YAML', async t => {
  refuses(t, 'apiVersion: v1\nkind: [Pod\n', /^dir\/b.yaml:3:1: flow sequence/, 'dir/b.yaml')
  refuses(t, '{"a": 1', /^a.yaml:1:8: /)
  refuses(t, '{"a": 1}\n{"b": 1}\n', /^a.yaml:2:/)
  refuses(t, ']', /^a.yaml:1:1: /)
  refuses(t, '[]'.repeat(100_000), /^a.yaml:1:/)
  refuses(t, 'a: !secret x\n', /^a.yaml:1:4: unresolved tag: !secret$/)
  refuses(t, '? [a, b]\n: 1\n', /^a.yaml:1:3: expected a key to be text$/)
})

t.test(
  'refuses characters that are something else to kubectl: behind a comment would be an object that nobody judged',
  async t => {
    for (const [character, name] of [
      ['\r', '000D'],
      ['\u0085', '0085'],
      ['\u2028', '2028'],
      ['\u2029', '2029'],
    ] as const)
      refuses(
        t,
        `a: 1\n# note${POD.replaceAll(/^|\n/g, character)}`,
        new RegExp(`^a.yaml:2:7: the character U\\+${name} is one thing to some readers`),
      )
    t.strictSame(value('a: 1\r\nb: "\\u2028\ufeff"\r\n'), [{ a: 1, b: '\u2028\ufeff' }])
    t.strictSame(value(' {"a": "\u2028\u0085"}\n'), [{ a: '\u2028\u0085' }], 'JSON is JSON to both')
    refuses(t, '{"a": 1} # \u2028', /U\+2028/)
    refuses(t, 'a: 1\n---\n\ufeff{"apiVersion":"v1","kind":"Pod"}', /^a.yaml:3:1: the character U\+FEFF/)
  },
)

t.test(
  'refuses the end of a document that is one to kubectl only: what follows would be an object that nobody judged',
  async t => {
    const map = 'apiVersion: v1\nkind: ConfigMap\n'
    for (const end of ['---#:', '---#', '---\u00a0', '---\f', '--- \u3000', '---\u00a0#:'])
      refuses(t, `${map}${end}\n${POD.replaceAll(/^/gm, '  ')}`, /^a.yaml:3:1: this ends a document for some readers/)
    for (const end of ['---', '--- ', '---\t# note', '---\r'])
      t.strictSame(names(`${map}${end}\n${POD}`), ['ConfigMap /', 'Pod default/web'], JSON.stringify(end))
  },
)

t.test('says of a Helm template that it has to be rendered', async t => {
  refuses(t, 'metadata:\n  name: {{ .Release.Name }}\n{{- if .x }}\na: b\n{{ end }}', /^a.yaml:[0-9:]+ .*helm template/)
})

t.test('unfolds Lists of every kind, nested ones too, and lets items leave their type to a typed List', async t => {
  const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } })
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [pod('a'), { apiVersion: 'v1', kind: 'List', items: [pod('b')] }],
  }
  t.strictSame(names(JSON.stringify(list)), ['Pod shop/a', 'Pod shop/b'])
  const typed = { apiVersion: 'apps/v1', kind: 'DeploymentList', items: [{ metadata: { name: 'c' } }] }
  t.strictSame(names(JSON.stringify(typed)), ['Deployment default/c'])
  t.strictSame(objects(JSON.stringify(typed))[0]?.subject.object, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'c' },
  })
  t.strictSame(names('{"apiVersion": "v1", "kind": "PodList", "items": null}'), [])
  refuses(
    t,
    '{"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}]}',
    /^a.yaml:1:48: document 1: .*without apiVersion$/,
  )
})

t.test('makes the request of the API server out of an object', async t => {
  const [object] = objects(POD.replace('v1', 'apps/v1').replace('Pod', 'Deployment'))
  t.match(object, {
    apiVersion: 'apps/v1',
    file: 'a.yaml',
    document: 1,
    subject: {
      operation: 'CREATE',
      group: 'apps',
      kind: 'Deployment',
      subresource: '',
      namespace: 'default',
      name: 'web',
    },
  })
  t.equal(objects(POD)[0]?.subject.group, '')
  t.equal(objects(POD.replace('{name: web}', '{name: web, namespace: shop}'))[0]?.subject.namespace, 'shop')
  t.equal(
    objects('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n')[0]?.subject.namespace,
    '',
    'none is made up',
  )
  t.equal(objects('apiVersion: v1\nkind: Pod\nmetadata: {generateName: n-}\n')[0]?.subject.name, '')
})

t.test('says of a document that is no object what it is and where', async t => {
  refuses(
    t,
    `${POD}---\nfoo: 1\n`,
    /^a.yaml:9:1: document 2: expected a Kubernetes object, got one without apiVersion$/,
  )
  refuses(t, 'apiVersion: v1\nkind: 5\n', /without kind$/)
  refuses(t, '- a\n', /^a.yaml:1:1: document 1: expected a Kubernetes object$/)
  refuses(t, 'just text', /expected a Kubernetes object$/)
  refuses(t, 'apiVersion: a/b/c\nkind: Pod\n', /expected apiVersion to be group\/version, got "a\/b\/c"$/)
  refuses(t, 'resources: [a.yaml]\n', /kubectl kustomize/, 'overlay/kustomization.yaml')
  refuses(t, 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n', /kubectl kustomize/)
  refuses(t, 'replicas: 2\n', /helm template/, 'chart/values-prod.yaml')
  refuses(
    t,
    'apiVersion: v1\nkind: Pod\nmetadata: {name: on}\n',
    /expected metadata.name to be text, got true; put it in quotation marks/,
  )
})

t.test('reads a folder in the order of its names, with its folders, without .git and other files', async t => {
  const dir = t.testdir({
    'b.yml': POD,
    'a.json': '{}',
    sub: { 'c.yaml': POD, deeper: { 'd.yaml': POD } },
    '.git': { 'e.yaml': 'not read' },
    '.hidden': { '.f.yaml': POD },
    'notes.txt': 'not read',
  })
  const inputs = await readInputs([dir], Readable.from([]))
  t.strictSame(
    inputs.map(({ file }) => file),
    ['.hidden/.f.yaml', 'a.json', 'b.yml', 'sub/c.yaml', 'sub/deeper/d.yaml'].map(name => join(dir, name)),
  )
})

t.test('in a folder, what shows no sign of an object is passed over and named; a slip is not', async t => {
  const dir = t.testdir({
    'a-pod.yaml': `${POD}---\nservices: {db: {image: r.test/db:1}}\n`,
    'kustomization.yaml': 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n',
    'package.json': '{"name": "shop"}',
    'values.yaml': 'image: r.test/app:1\n',
  })
  t.strictSame(await readFolder(dir), {
    objects: 1,
    passedOver: [
      { file: `${join(dir, 'a-pod.yaml')}:9`, reason: 'no Kubernetes object' },
      {
        file: `${join(dir, 'kustomization.yaml')}:1`,
        reason: 'for kustomize: kubectl kustomize FOLDER | shedu check -f - ...',
      },
      { file: `${join(dir, 'package.json')}:1`, reason: 'no Kubernetes object' },
      { file: `${join(dir, 'values.yaml')}:1`, reason: 'no Kubernetes object' },
    ],
  })
  await t.rejects(readFolder(join(dir, 'values.yaml')), {
    message: /expected a Kubernetes object, got one without apiV/,
  })
  const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod' })
  await t.rejects(readFolder(t.testdir({ 'a.json': `\u00a0${pod}` })), {
    message: /a.json:1:1: .*expected a Kubernetes object/,
  })
  const list = t.testdir({
    'list.yaml': `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: List\nitems: [{${POD.trim().split('\n', 2).join(', ')}}]\n`,
  })
  await t.rejects(readFolder(list), { message: /list.yaml:1:1: .*a "List" is for kustomize/ })
  const slips = t.testdir({ slips: { 'a.yaml': POD.replace('apiVersion', 'apiVersoin') } })
  await t.rejects(readFolder(join(slips, 'slips')), { message: /a.yaml:1:1: .*without apiVersion/ })
})

t.test('in a chart of Helm, templates are passed over, and nothing that kubectl would create', async t => {
  const chart = {
    'Chart.yaml': 'apiVersion: v2\nname: shop\n',
    'values.yaml': 'image: r.test/app:1\n',
    crds: { 'plain.yaml': POD },
    templates: {
      'a.yaml': `{{- if .Values.x }}\n${POD}{{ end }}\n`,
      'b.yaml': POD.replace('{name: web}', '{{ .Values.name }}'),
      'plain.yaml': `# {{ not a template }}\n${POD}`,
    },
  }
  const dir = t.testdir({ chart, beside: { 'pod.yaml': POD } })
  const render = ': helm template CHART | shedu check -f - ...'
  t.strictSame(await readFolder(dir), {
    objects: 3,
    passedOver: [
      { file: `${join(dir, 'chart', 'Chart.yaml')}:1`, reason: `of a Helm chart${render}` },
      { file: join(dir, 'chart', 'templates', 'a.yaml'), reason: `a template${render}` },
      { file: join(dir, 'chart', 'templates', 'b.yaml'), reason: `a template${render}` },
      { file: `${join(dir, 'chart', 'values.yaml')}:1`, reason: 'no Kubernetes object' },
    ],
  })
  const broken = t.testdir({ chart: { ...chart, 'broken.yaml': `${POD}  - ] broken\n` } })
  await t.rejects(readFolder(broken), { message: /broken.yaml:8:5: / })
  const odd = t.testdir({ chart: { ...chart, 'odd.yaml': `# {{ }}\n${POD}spec: {}\n` } })
  await t.rejects(readFolder(odd), { message: /odd.yaml:9:1: the key "spec" occurs twice/ }, 'kubectl may take it')
  const hidden = t.testdir({ 'Chart.yaml': POD })
  t.match(await readFolder(hidden), { objects: 1, passedOver: [] }, 'a name does not hide an object')
  const alone = t.testdir({ 'a.yaml': chart.templates['a.yaml'] })
  await t.rejects(readFolder(alone), { message: /if this is a Helm template, render it first/ })
})

/** How many objects there are, and what is passed over. */
async function readFolder(path: string) {
  const { objects, passedOver } = readObjects(await readInputs([path], Readable.from([])), 'default')
  return { objects: objects.length, passedOver }
}

t.test('follows links to files, and no link in a circle', async t => {
  const dir = t.testdir({ real: { 'a.yaml': POD }, sub: {} })
  symlinkSync(join(dir, 'real', 'a.yaml'), join(dir, 'sub', 'link.yaml'))
  symlinkSync(dir, join(dir, 'sub', 'circle'))
  const inputs = await readInputs([join(dir, 'sub')], Readable.from([]))
  t.strictSame(
    inputs.map(({ file, text }) => [file, text]),
    [[join(dir, 'sub', 'link.yaml'), POD]],
  )
  symlinkSync(join(dir, 'sub', 'self.yaml'), join(dir, 'sub', 'self.yaml'))
  await t.rejects(readInputs([join(dir, 'sub')], Readable.from([])), {
    name: 'InputError',
    message: /self.yaml: cannot be read \(ELOOP\)/,
  })
})

t.test('reads standard input, once', async t => {
  const inputs = await readInputs(['-'], Readable.from([Buffer.from(POD.slice(0, 9)), Buffer.from(POD.slice(9))]))
  t.strictSame(inputs, [{ file: 'standard input', origin: 'standard input', text: POD }])
  await t.rejects(readInputs(['-', '-'], Readable.from([])), { message: /once only/ })
})

t.test('names the path that is missing, empty, no file, no UTF-8 or too large', async t => {
  const dir = t.testdir({ empty: {}, folder: {}, 'bytes.yaml': '' })
  const read = (...paths: string[]) => readInputs(paths, Readable.from([]))
  await t.rejects(read(join(dir, 'absent.yaml')), { name: 'InputError', message: /absent.yaml: there is no such file/ })
  await t.rejects(read(join(dir, 'empty')), { name: 'InputError', message: /empty: there is no .yaml/ })
  mkdirSync(join(dir, 'target'))
  symlinkSync(join(dir, 'target'), join(dir, 'folder', 'dir.yaml'))
  await t.rejects(read(join(dir, 'folder')), { name: 'InputError', message: /dir.yaml: expected a file/ })
  writeFileSync(join(dir, 'bytes.yaml'), Buffer.from([0x61, 0xff]))
  await t.rejects(read(join(dir, 'bytes.yaml')), { name: 'InputError', message: /bytes.yaml: expected UTF-8/ })
})

t.test('reads an input of the largest size, and none that is a byte larger', async t => {
  const most = 4 * 1024 * 1024
  const input = (bytes: number) => Readable.from([Buffer.alloc(bytes - 1, '#'), Buffer.from('\n')])
  t.equal((await readInputs(['-'], input(most)))[0]?.text.length, most)
  await t.rejects(readInputs(['-'], input(most + 1)), InputError)
})

t.test(
  'a workload that is a list as well is refused: kubectl would unfold it, another client would create it',
  async t => {
    refuses(t, `${POD}items: []\n`, /a Pod has no items/)
    refuses(t, `${POD}items: [{apiVersion: v1, kind: Service, metadata: {name: x}}]\n`, /a Pod has no items/)
  },
)

/** `shedu check`: judges manifests and images as the webhooks would, by calling what the webhooks call. */
import { type AssembledGate, assembleGate, type GateSettings } from '#assembly/assemble-gate.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { ProxyFor } from '#core/registry/proxy.ts'
import type { DockerConfigOptions } from '../docker-config.ts'
import { objectOfImage } from '../image-object.ts'
import { type JudgeOptions, judgeObjects } from '../judge-objects.ts'
import { openContext } from '../open-context.ts'
import { emptyOutputs, openOutputs } from '../open-outputs.ts'
import type { Output } from '../output.ts'
import { makeProgress, NO_PROGRESS } from '../progress.ts'
import { type Input, readInputs } from '../read-inputs.ts'
import { type Objects, type PassedOver, readObjects } from '../read-objects.ts'
import type { CheckResult } from '../report/result.ts'
import { exitCodeOf, summaryOf } from '../report/result.ts'
import { asOf, sayKept } from '../report/say-kept.ts'
import { titleOf } from '../report/title.ts'
import { visible } from '../report/visible.ts'
import type { Streams } from '../streams.ts'
import { readVersion } from '../version.ts'

export type CheckOptions = DockerConfigOptions &
  JudgeOptions & {
    /** Files, folders, `-`. */
    readonly paths: readonly string[]
    /** Image references, as a Pod would name them. */
    readonly images: readonly string[]
    readonly policiesDir: string | undefined
    /** Whose cluster's policies count besides, and where it is looked up. */
    readonly context: string | undefined
    readonly kubeconfigFile: string | undefined
    readonly registriesFile: string | undefined
    readonly proxyFor?: ProxyFor
    readonly trustRootsDir: string | undefined
    readonly answers: GateSettings['answers']
    readonly noMatch: 'deny' | 'warn' | 'allow'
    /** Of objects that name none; without it, that of the context. */
    readonly namespace: string | undefined
    readonly outputs: readonly Output[]
    readonly isQuiet: boolean
    /** Whether something in a folder that is no object is an error. */
    readonly isStrict: boolean
    /** Absolute: the folder that findings name files from. */
    readonly sourceRoot: string
    /** Whether to show how far it is, where there is a terminal. */
    readonly isWatched: boolean
  }

/** What was learnt about an image of one object serves the next ones that name it. */
const CACHE_BYTES = 16 * 1024 * 1024

/** Nobody reads on. */
const MOST_PASSED_OVER = 20

/** Checks everything and says what was found; the exit code is the answer in one digit. Throws an InputError for wrong usage. */
export async function check(options: CheckOptions, streams: Streams): Promise<0 | 1 | 2 | 3> {
  const { asked, assembled } = await prepare(options, streams).catch((error: unknown) => {
    const { paths, policiesDir, trustRootsDir } = options
    emptyOutputs(
      options.outputs,
      [...paths, policiesDir, trustRootsDir].filter(path => path !== undefined),
    )
    throw error
  })
  const { warnings, answers, close } = assembled
  for (const warning of warnings) streams.stderr.write(`warning: ${visible(warning)}\n`)
  tellPassedOver(asked.passedOver, streams)
  try {
    const exitCode = await judgeAndSay(asked, assembled, options, streams)
    sayKept(answers, streams)
    return exitCode
  } finally {
    await close()
  }
}

async function prepare(
  options: CheckOptions,
  { stdin }: Streams,
): Promise<{ readonly asked: Objects; readonly assembled: AssembledGate }> {
  const inputs = await readInputs(options.paths, stdin)
  const cluster = await openContext(options)
  const asked = objectsOf(inputs, options, options.namespace ?? cluster?.namespace ?? 'default')
  const assembled = await assembleGate({ ...options, addPolicies: cluster?.addTo, cacheBytes: CACHE_BYTES })
  return { asked, assembled }
}

function objectsOf(inputs: readonly Input[], { paths, images, isStrict }: CheckOptions, namespace: string): Objects {
  const { objects, passedOver } = readObjects(inputs, namespace)
  const all = { objects: [...objects, ...images.map(image => objectOfImage(image, namespace))], passedOver }
  const [first] = all.passedOver
  if (isStrict && first !== undefined)
    throw new InputError(`${first.file}: with --strict, expected objects only; it is ${first.reason}`)
  // An empty folder must not look like a folder full of proven images.
  if (all.objects.length === 0)
    throw new InputError(
      [`there are no objects in ${paths.join(', ')}`, ...all.passedOver.slice(0, MOST_PASSED_OVER).map(lineOf)].join(
        '\n  ',
      ),
    )
  return all
}

function lineOf({ file, reason }: PassedOver): string {
  return `${file} is passed over, it is ${reason}`
}

function tellPassedOver(passedOver: readonly PassedOver[], { stderr }: Streams): void {
  const more = passedOver.length - MOST_PASSED_OVER
  for (const one of passedOver.slice(0, MOST_PASSED_OVER)) stderr.write(`note: ${visible(lineOf(one))}\n`)
  if (more > 0) stderr.write(`note: … and ${more} more are passed over; -o json shows all\n`)
}

async function judgeAndSay(
  { objects, passedOver }: Objects,
  { gate, answers }: Pick<AssembledGate, 'gate' | 'answers'>,
  options: CheckOptions,
  streams: Streams,
): Promise<0 | 1 | 2 | 3> {
  const sources = new Set(objects.flatMap(({ origin, file }) => (origin === 'file' ? [file] : [])))
  const outputs = openOutputs({ ...options, sources }, streams)
  const progress = options.isWatched ? makeProgress(streams, objects.length) : NO_PROGRESS
  const results: CheckResult[] = []
  try {
    for await (const result of judgeObjects(objects, gate, options)) {
      results.push(result)
      const next = objects[results.length]
      if (next !== undefined) progress.at(results.length, titleOf(next))
      progress.hide()
      outputs.say(result)
    }
  } finally {
    progress.end()
  }
  const summary = summaryOf(results)
  const exitCode = exitCodeOf(summary)
  const { sourceRoot } = options
  const report = { results, summary, passedOver, exitCode, asOf: asOf(answers), version: readVersion(), sourceRoot }
  await outputs.end(report)
  return exitCode
}

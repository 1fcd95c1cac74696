/** What comes in at the edges: names, headers and lists of a registry, reviews, and the files of an administrator. */
import { isDeepStrictEqual } from 'node:util'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import { readYaml } from '#cli/read-yaml.ts'
import { digestOf } from '#core/domain/digest.ts'
import { nameOf, parseImageRef } from '#core/domain/image-ref.ts'
import { parsePemBlock } from '#core/domain/pem.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { asArray, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { decodeAnswer } from '#core/registry/answers/answer-file.ts'
import type { Question } from '#core/registry/answers/question.ts'
import { parseChallenges } from '#core/registry/challenge.ts'
import { parseDockerConfig } from '#core/registry/docker-config.ts'
import { parseNextPage } from '#core/registry/link.ts'
import { decodeManifest, INDEX_TYPES, MANIFEST_TYPES, parseDescriptor } from '#core/registry/manifest.ts'
import { parseMediaType } from '#core/registry/media-type.ts'
import { parsePolicies } from '#policies/load-policies.ts'
import { readKeys } from '#test/support/read-layout.ts'
import { decodeReview } from '#webhook/admission-review.ts'
import { findUid, UID } from '#webhook/find-uid.ts'
import {
  CHALLENGES,
  DOCKER_CONFIG,
  KEPT_ANSWERS,
  KEPT_URL,
  LINKS,
  MEDIA_TYPES,
  POLICY,
  REFERENCES,
  REVIEW,
  YAML,
} from './edge-seeds.ts'
import { distinct, MANIFESTS, TRUSTED_ROOT } from './recorded.ts'
import { bytesOf, insist, LIMITS, quick, reads, readsHeader, readsText, type Target, textOf } from './target.ts'

const DESCRIPTORS = MANIFESTS.map(bytes => {
  const { layers = [], manifests = [] } = JSON.parse(textOf(bytes))
  return bytesOf(JSON.stringify([...layers, ...manifests]))
})
const KEYS = [...readKeys().values()]

/** The reader of YAML makes a tree of a hundred times the size: a megabyte takes it seconds, and is its user's own file. */
const YAML_BYTES = 16 * 1024

/** A reference that is taken is one that names itself. */
function readReference(bytes: Uint8Array): 'taken' {
  const ref = parseImageRef(textOf(bytes))
  const again = parseImageRef(nameOf(ref))
  // A digest says all that a tag beside it could, so the name leaves the tag out.
  const named = ref.digest === undefined ? ref : { ...ref, tag: undefined }
  insist(isDeepStrictEqual({ ...again, text: '' }, { ...named, text: '' }), 'its name is that of another image')
  return 'taken'
}

function readManifest(type: string | undefined): Target['read'] {
  return bytes => {
    const manifest = decodeManifest({ bytes, digest: digestOf(bytes) }, type, LIMITS)
    if (manifest.kind !== 'other') for (const item of manifest.items) parseDescriptor(item)
    return 'taken'
  }
}

/** The next page lies where the page lay, or nowhere. */
function readLink(bytes: Uint8Array): 'taken' {
  const page = new URL('https://registry.example.test/v2/app/referrers/x?n=1')
  const next = parseNextPage(Buffer.from(bytes).toString('latin1'), page)
  insist(next === undefined || next.origin === page.origin, 'it lies elsewhere')
  return 'taken'
}

const KEPT: Question = {
  url: new URL(KEPT_URL),
  accept: '*/*',
  what: 'a page',
  definite: [200, 404],
  cap: {
    bytes: 64,
    excess: found => {
      throw new Error(`read ${found}`)
    },
  },
}

/** What stands below the first line, whose digest would let nothing else pass. */
function readKeptAnswer(bytes: Uint8Array): 'taken' {
  const file = Buffer.concat([bytesOf(`shedu-answer/1 ${digestOf(bytes)}\n`), bytes])
  const { answer, at } = decodeAnswer(file, KEPT)
  insist(answer.status === 200 || answer.bytes.byteLength === 0, 'it has another status and a body')
  insist(KEPT.definite.includes(answer.status) && answer.bytes.byteLength <= 64, 'it is no answer to this question')
  insist(at.toISOString() !== '', 'it has no time')
  return 'taken'
}

/** A uid is found in whatever else cannot be read, so that it can be answered; in the answer it has to look like one. */
function readReview(bytes: Uint8Array): 'taken' {
  const found = findUid(bytes)
  insist(found === undefined || UID.test(found), `its uid is ${found}`)
  decodeReview(bytes)
  return 'taken'
}

function readPolicy(bytes: Uint8Array): 'taken' {
  const documents = readYaml('policy.yaml', textOf(bytes))
  parsePolicies(documents.map(({ value, number }) => ({ source: `document ${number}`, value })))
  return 'taken'
}

function readDescriptors(bytes: Uint8Array): unknown {
  return asArray(parseUntrustedJson(bytes, LIMITS), 'a list', 100).map(parseDescriptor)
}

export const EDGE_TARGETS: readonly Target[] = [
  quick('manifest', 'json', distinct(MANIFESTS), readManifest(MANIFEST_TYPES[0])),
  quick('referrers', 'json', distinct(MANIFESTS), readManifest(INDEX_TYPES[0])),
  quick('descriptor', 'json', distinct(DESCRIPTORS), reads(readDescriptors)),
  quick('image-reference', 'text', REFERENCES, readReference),
  quick('media-type', 'text', MEDIA_TYPES, readsHeader(parseMediaType)),
  quick('link-header', 'text', LINKS, readLink),
  quick('kept-answer', 'text', KEPT_ANSWERS, readKeptAnswer),
  quick('challenge', 'text', CHALLENGES, readsHeader(parseChallenges)),
  quick(
    'docker-config',
    'json',
    [DOCKER_CONFIG],
    reads(bytes => parseDockerConfig(bytes, 'dockerconfigjson')),
  ),
  quick(
    'trusted-root',
    'json',
    [TRUSTED_ROOT],
    reads(bytes => parseTrustedRoot(bytes, 'fuzzed')),
    2,
  ),
  quick('pem', 'text', KEYS, readsText(parsePemBlock)),
  quick('public-key', 'text', KEYS, readsText(parsePublicKey), 4),
  quick('review', 'json', [REVIEW], readReview),
  {
    ...quick(
      'yaml',
      'text',
      [YAML, POLICY],
      readsText(text => readYaml('x.yaml', text)),
      2,
    ),
    mostBytes: YAML_BYTES,
  },
  { ...quick('policy', 'json', [POLICY], readPolicy, 1), mostBytes: YAML_BYTES },
]

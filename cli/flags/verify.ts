/** `shedu verify` on the command line: its flags and the help that teaches it. */
import { type Command, Option } from 'commander'
import type { IdentityPattern, TextPattern } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { By, VerifyOptions } from '../commands/verify.ts'
import { MOST_KEPT_BYTES } from '../read-artefact.ts'
import { addFlags, outputFlag } from './shared-flags.ts'

const HELP = `
Examples:
  $ shedu verify --bundle app.sigstore.json --key release.pub app.tar.gz
  $ shedu verify --bundle app.sigstore.json --trusted-root trusted_root.json \\
      --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com app.tar.gz
  $ shedu verify --bundle provenance.json --trusted-root trusted_root.json \\
      --predicate-type https://slsa.dev/provenance/v1 --certificate-identity-regexp '^https://github\\.com/acme/' \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com sha256:HEX
  $ curl --silent https://example.com/app.tar.gz | shedu verify --bundle app.sigstore.json --key release.pub -

What is asked for:
  with an identity  a certificate of the trusted root with an SCT, an entry in one of its logs, a proven time
  with --key        a signature by the key; with --trusted-root as well, an entry in one of its logs

A file of more than ${MOST_KEPT_BYTES / 1024 / 1024} MiB, or a digest in its place, is enough for ECDSA, for RSA with PKCS #1 v1.5, and for
every statement that names the file; Ed25519 and RSA-PSS take the bytes of a smaller file.

Exit codes:
  0  verified
  1  not verified
  2  wrong usage: a flag, a file, or a digest where the bytes are needed`

/** Adds the command; `run` gets its options once they are usable. */
export function addVerify(program: Command, run: (options: VerifyOptions) => Promise<void>): void {
  const command = program
    .command('verify')
    .summary('check a Sigstore bundle of any file, offline')
    .description(
      'Checks that a Sigstore bundle proves who signed a file, or a statement about it. Everything it needs is in the files that are named: nothing is fetched.',
    )
    .argument('<file>', 'file, - for standard input, or sha256:HEX (sha384:, sha512:) in its place')
    .showHelpAfterError('(shedu verify --help shows examples)')
    .addHelpText('after', HELP)
    .action((artefact: string, flags: Flags) => run(toOptions(artefact, flags)))
  addFlags(command, flags())
}

type Flags = {
  readonly bundle?: string
  readonly trustedRoot?: string
  readonly certificateIdentity?: string
  readonly certificateIdentityRegexp?: string
  readonly certificateOidcIssuer?: string
  readonly certificateOidcIssuerRegexp?: string
  readonly key?: string
  readonly hash?: '256' | '384' | '512'
  readonly predicateType?: string
  readonly timestamp?: true
  readonly insecureIgnoreSct?: true
  readonly insecureIgnoreLog?: true
  readonly output: VerifyOptions['output']
}

function flags(): readonly Option[] {
  return [
    new Option('--bundle <file>', 'the Sigstore bundle, version 0.1 to 0.3'),
    new Option('--trusted-root <file>', 'trusted_root.json: whom certificates, logs and timestamps are believed of'),
    new Option('--certificate-identity <name>', 'who must have signed: an address or a URI in the certificate'),
    new Option('--certificate-identity-regexp <re2>', 'the same, as an expression that is found in the name'),
    new Option('--certificate-oidc-issuer <url>', 'who must have vouched for the signer'),
    new Option('--certificate-oidc-issuer-regexp <re2>', 'the same, as an expression that is found in the URL'),
    new Option('--key <file>', 'public key (PEM) that must have signed, in place of an identity'),
    new Option('--hash <bits>', 'hash that the key signs over: SHA-256 unless it is said').choices([
      '256',
      '384',
      '512',
    ]),
    new Option(
      '--predicate-type <type>',
      'demand an attestation of this type; without it, a signature, and no attestation counts as one',
    ),
    new Option('--timestamp', 'demand a timestamp (RFC 3161) by an authority of the trusted root'),
    new Option('--insecure-ignore-sct', 'take certificates that no certificate log was told of'),
    new Option('--insecure-ignore-log', 'take signatures that no transparency log holds'),
    outputFlag(),
  ]
}

function toOptions(artefact: string, flags: Flags): VerifyOptions {
  const { bundle, trustedRoot, predicateType, output } = flags
  if (bundle === undefined) throw new InputError(`--bundle is missing: name the Sigstore bundle of the file${SHOWN}`)
  if (predicateType === '') throw new InputError('--predicate-type: expected a type, got an empty one')
  const by = byOf(flags)
  if (trustedRoot === undefined && by.kind === 'keyless')
    throw new InputError(`--trusted-root is missing: an identity rests on one (docs/trust-roots.md says how to get it)`)
  if (trustedRoot === undefined && flags.timestamp === true)
    throw new InputError('--timestamp needs --trusted-root: it says whose timestamps are believed')
  return {
    artefact,
    bundleFile: bundle,
    trustedRootFile: trustedRoot,
    by,
    isLogDemanded: trustedRoot !== undefined && flags.insecureIgnoreLog !== true,
    isTimestampDemanded: flags.timestamp === true,
    predicateType,
    output,
  }
}

const SHOWN = ' (shedu verify --help shows examples)'

/** Nobody in particular is nobody: one key, or one identity with who vouches for it. */
function byOf(flags: Flags): By {
  const { certificateIdentity, certificateIdentityRegexp, certificateOidcIssuer, certificateOidcIssuerRegexp } = flags
  const subject = patternOf('--certificate-identity', certificateIdentity, certificateIdentityRegexp)
  const issuer = patternOf('--certificate-oidc-issuer', certificateOidcIssuer, certificateOidcIssuerRegexp)
  if (flags.key !== undefined) return keyOf(flags.key, flags, { subject, issuer })
  if (flags.hash !== undefined) throw new InputError('--hash is for --key: a certificate brings its hash along')
  if (subject === undefined && issuer === undefined)
    throw new InputError(`--key or --certificate-identity is missing: say who must have signed${SHOWN}`)
  if (subject === undefined)
    throw new InputError('--certificate-identity is missing: whoever vouches does so for more than one name')
  if (issuer === undefined)
    throw new InputError('--certificate-oidc-issuer is missing: a name means nothing without who vouches for it')
  const sct = flags.insecureIgnoreSct === true ? 'ignored' : 'required'
  return { kind: 'keyless', identity: { subject, issuer }, sct }
}

function keyOf(
  file: string,
  flags: Flags,
  identity: { readonly [Part in keyof IdentityPattern]: TextPattern | undefined },
): By {
  const excluded = [
    ...(identity.subject === undefined ? [] : ['--certificate-identity']),
    ...(identity.issuer === undefined ? [] : ['--certificate-oidc-issuer']),
    ...(flags.insecureIgnoreSct === true ? ['--insecure-ignore-sct'] : []),
  ]
  if (excluded[0] !== undefined) throw new InputError(`--key and ${excluded[0]} exclude each other`)
  return { kind: 'key', file, hash: `sha${flags.hash ?? '256'}` }
}

function patternOf(flag: string, text: string | undefined, expression: string | undefined): TextPattern | undefined {
  if (text !== undefined && expression !== undefined)
    throw new InputError(`${flag} and ${flag}-regexp exclude each other`)
  const given = text ?? expression
  if (given === '') throw new InputError(`${flag}${text === undefined ? '-regexp' : ''}: expected a name, got nothing`)
  if (given === undefined) return undefined
  return { kind: text === undefined ? 'regexp' : 'exactly', text: given }
}

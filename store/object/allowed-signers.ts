// The `allowed_signers` file of OpenSSH (ssh-keygen(1), ALLOWED SIGNERS): which keys may sign, for what, and when.
//
// Refused on purpose: `cert-authority`. Times without `Z` are read as UTC, whatever the zone of the machine.
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { decodeBase64, decodePublicKey, explainSshKeyError } from './ssh-key.ts'

export type AllowedSigner = {
  /** As written: patterns with commas between them, `alice@example.org,*@ops.example.org`. */
  readonly principals: string
  readonly keyBlob: Buffer
  /** Patterns; absent when the key may sign for anything. */
  readonly namespaces?: string
  /** Seconds since 1970, both included. */
  readonly validAfterSeconds?: number
  readonly validBeforeSeconds?: number
}

export type SignerUse = {
  readonly keyBlob: Uint8Array
  readonly namespace: string
  /** When the signature was made, seconds since 1970. */
  readonly timeSeconds: number
  /** Only a signer whose principals match this. */
  readonly identity?: string
}

export const ALLOWED_SIGNERS_LIMIT_BYTES: number = 1 << 20

/** Every line that is wrong is a problem; a file that cannot be read whole trusts nobody. */
export function parseAllowedSigners(
  text: string,
  file: string,
): Result<readonly AllowedSigner[], readonly Problem[]> {
  if (text.length > ALLOWED_SIGNERS_LIMIT_BYTES) return err([problem('Too long', { file })])
  const signers: AllowedSigner[] = []
  const problems: Problem[] = []
  for (const [n, line] of text.split('\n').entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    const signer = parseSigner(content)
    if (signer.ok) signers.push(signer.value)
    else problems.push(problem(signer.error, { file, line: n + 1 }))
  }
  return problems.length > 0 ? err(problems) : ok(signers)
}

/** The first line that allows this use, as ssh-keygen takes the first. */
export function findSigner(
  signers: readonly AllowedSigner[],
  use: SignerUse,
): AllowedSigner | undefined {
  return signers.find(
    (signer) =>
      signer.keyBlob.equals(use.keyBlob) &&
      (use.identity === undefined || matchPatterns(signer.principals, use.identity)) &&
      (signer.namespaces === undefined || matchPatterns(signer.namespaces, use.namespace)) &&
      use.timeSeconds >= (signer.validAfterSeconds ?? -Infinity) &&
      use.timeSeconds <= (signer.validBeforeSeconds ?? Infinity),
  )
}

/** PATTERNS of ssh_config(5): `*`, `?`, and `!` before a pattern, which wins over all others. */
function matchPatterns(patterns: string, text: string): boolean {
  let matched = false
  for (const pattern of patterns.split(',')) {
    const negated = pattern.startsWith('!')
    if (!matchPattern(negated ? pattern.slice(1) : pattern, text)) continue
    if (negated) return false
    matched = true
  }
  return matched
}

/** Linear in the product of the lengths, whatever the stars: a star that fails is only ever moved forward. */
function matchPattern(pattern: string, text: string): boolean {
  let p = 0
  let star = -1
  let mark = 0
  for (let t = 0; t < text.length;) {
    if (pattern[p] === '*') {
      star = p++
      mark = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** `principals [options] keytype base64 [comment]`. */
function parseSigner(line: string): Result<AllowedSigner, string> {
  const principals = takeWord(line)
  if (principals === undefined) return err('A quote is not closed')
  const first = takeWord(principals.rest)
  if (first === undefined) return err('A quote is not closed')
  const patterns = unquote(principals.word)
  if (patterns.split(',').includes(''))
    return err('Expected principals, such as "alice@example.org"')
  const hasOptions = !isKeyType(first.word)
  const options = parseOptions(hasOptions ? first.word : '')
  if (!options.ok) return options
  const [type = '', base64 = ''] = (hasOptions ? first.rest : principals.rest).split(/[ \t]+/)
  if (!isKeyType(type)) return err(`Expected a key type such as "ssh-ed25519", found "${type}"`)
  const blob = decodeBase64(base64)
  if (blob === undefined) return err('Expected the key in base64 after its type')
  const key = decodePublicKey(blob)
  if (!key.ok) return err(`The key ${explainSshKeyError(key.error)}`)
  if (key.value.type !== type) return err(`The key is of type "${key.value.type}", not "${type}"`)
  return ok({ principals: patterns, keyBlob: key.value.blob, ...options.value })
}

type SignerOptions = Pick<AllowedSigner, 'namespaces' | 'validAfterSeconds' | 'validBeforeSeconds'>

function parseOptions(text: string): Result<SignerOptions, string> {
  const options: { -readonly [name in keyof SignerOptions]: SignerOptions[name] } = {}
  for (const option of text === '' ? [] : splitOptions(text)) {
    const [, name = '', value] = /^([^=]*)(?:="(.*)")?$/s.exec(option) ?? []
    switch (name.toLowerCase()) {
      case 'namespaces':
        if (value === undefined || value === '') return err('Expected namespaces="git"')
        if (options.namespaces !== undefined) return err('namespaces stands there twice')
        options.namespaces = value
        break
      case 'valid-after':
      case 'valid-before': {
        const seconds = value === undefined ? undefined : parseTime(value)
        if (seconds === undefined) return err(`Expected ${name}="YYYYMMDDHHMMSSZ"`)
        const field =
          name.toLowerCase() === 'valid-after' ? 'validAfterSeconds' : 'validBeforeSeconds'
        if (options[field] !== undefined) return err(`${name} stands there twice`)
        options[field] = seconds
        break
      }
      case 'cert-authority':
        return err('cert-authority is not supported: name the keys themselves')
      default:
        return err(`Expected options or a key type, found "${option.slice(0, 60)}"`)
    }
  }
  const { validAfterSeconds: after, validBeforeSeconds: before } = options
  if (after !== undefined && before !== undefined && after >= before) {
    return err('valid-after is not before valid-before')
  }
  return ok(options)
}

/** `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, with or without `Z`. */
function parseTime(text: string): number | undefined {
  const digits = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?$/.exec(text)
  if (digits === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits
    .slice(1)
    .map((part) => Number(part ?? 0))
  const ms = Date.UTC(year, month - 1, day, hour, minute, second)
  const again = new Date(ms)
  const same = again.getUTCMonth() === month - 1 && again.getUTCDate() === day
  return same && hour < 24 && minute < 60 && second < 60 ? ms / 1000 : undefined
}

/** A word ends at white space outside of quotes. */
function takeWord(text: string): { word: string; rest: string } | undefined {
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') quoted = !quoted
    else if (!quoted && (char === ' ' || char === '\t')) {
      return { word: text.slice(0, at), rest: text.slice(at).trimStart() }
    }
  }
  return quoted ? undefined : { word: text, rest: '' }
}

/** Commas inside of quotes do not part. */
function splitOptions(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^,"])+/g) ?? [text]
}

function unquote(word: string): string {
  return word.length >= 2 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1) : word
}

function isKeyType(word: string): boolean {
  return /^(ssh-|ecdsa-|sk-)[\w@.-]+$/.test(word)
}

// The secret of a TSIG key in a configuration: its algorithm, and the secret itself or a file with it.
import {
  oneOf,
  optional,
  parsed,
  secret,
  string,
  withDefault,
  type Decoder,
  type Optional,
} from '../config/decode.ts'
import { readTextFile } from '../files/text-file.ts'
import { Fatal } from '../result/result.ts'
import type { TsigAlgorithm } from '../tsig/key.ts'

export type SecretEntry = {
  readonly algorithm: TsigAlgorithm
  /** One of the two is there. */
  readonly secret?: Uint8Array
  readonly secretFile?: string
}

export const secretFields: {
  readonly algorithm: Decoder<TsigAlgorithm>
  readonly secret: Optional<Uint8Array>
  readonly secretFile: Optional<string>
} = {
  algorithm: withDefault(
    oneOf('hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'),
    'hmac-sha256',
  ),
  secret: optional(secret(parsed('a secret in base64', parseSecret))),
  secretFile: optional(string),
}

/** What is wrong with an entry, as a sentence. */
export function secretFault({
  secret: given,
  secretFile,
}: Omit<SecretEntry, 'algorithm'>): string | undefined {
  return (given === undefined) === (secretFile === undefined)
    ? 'Expected either secret or secret_file'
    : undefined
}

/** The secret of the key that the configuration calls `name`. Throws `Fatal` when its file cannot be read. */
export function readSecret(name: string, { secret: given, secretFile }: SecretEntry): Uint8Array {
  if (given !== undefined) return given
  const path = secretFile!
  const text = readTextFile(path)
  if (!text.ok) throw new Fatal(`keys.${name}.secret_file: ${path}: ${text.error}`)
  const bytes = parseSecret(text.value.trim())
  if (bytes === undefined) throw new Fatal(`keys.${name}.secret_file: ${path} is not base64`)
  return bytes
}

function parseSecret(text: string): Uint8Array | undefined {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
  return isBase64 && text !== '' ? new Uint8Array(Buffer.from(text, 'base64')) : undefined
}

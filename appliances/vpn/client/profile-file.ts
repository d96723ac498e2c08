// A profile on disk: files that it names are looked for beside it.
import { dirname, resolve } from 'node:path'
import { readTextFile } from '../../../shared/files/text-file.ts'
import { hasErrors, problem, type Problem } from '../../../shared/result/problem.ts'
import { ok } from '../../../shared/result/result.ts'
import { readProfile, type Profile } from '../core/options/profile.ts'
import { AuthWrap, CryptWrap, PLAIN_WRAP, type ControlWrap } from '../core/wrap/control-wrap.ts'
import { parseStaticKey } from '../core/wrap/static-key.ts'
import { parseClientKey } from '../core/wrap/wrapped-key.ts'

export type LoadedProfile = {
  readonly profile: Profile
  readonly wrap: ControlWrap
  readonly wrapKey: Uint8Array | undefined
  readonly wrappedKey: Uint8Array | undefined
}

/** The profile and what it names, for the sandbox. */
export function profileFiles(file: string): readonly string[] {
  const text = readTextFile(file)
  const named: string[] = [file]
  if (text.ok)
    readProfile(text.value, file, (path) => {
      named.push(resolve(dirname(file), path))
      return ok('')
    })
  return named
}

/** `loaded` is undefined when `problems` has errors. */
export function loadProfile(file: string): {
  readonly loaded: LoadedProfile | undefined
  readonly problems: readonly Problem[]
} {
  const text = readTextFile(file)
  if (!text.ok) return { loaded: undefined, problems: [problem(text.error, { file })] }
  const load = (path: string) => readTextFile(resolve(dirname(file), path))
  const { profile, problems } = readProfile(text.value, file, load)
  if (hasErrors(problems)) return { loaded: undefined, problems }
  const wrap = wrapOf(profile)
  if (typeof wrap === 'string')
    return { loaded: undefined, problems: [...problems, problem(wrap, { file })] }
  return { loaded: { profile, ...wrap }, problems }
}

function wrapOf(profile: Profile): Omit<LoadedProfile, 'profile'> | string {
  const { tlsAuth, tlsCrypt, tlsCryptV2, keyDirection, auth } = profile
  if (tlsCryptV2 !== undefined) {
    const parsed = parseClientKey(tlsCryptV2)
    if (!parsed.ok) return `tls-crypt-v2: ${parsed.error}`
    const { key, wrapped } = parsed.value
    return { wrap: new CryptWrap(key, 'client'), wrapKey: key, wrappedKey: wrapped }
  }
  const text = tlsCrypt ?? tlsAuth
  if (text === undefined) return { wrap: PLAIN_WRAP, wrapKey: undefined, wrappedKey: undefined }
  const parsed = parseStaticKey(text)
  if (!parsed.ok) return `${tlsCrypt === undefined ? 'tls-auth' : 'tls-crypt'}: ${parsed.error}`
  const key = parsed.value
  const wrap =
    tlsCrypt === undefined ? new AuthWrap(key, keyDirection, auth) : new CryptWrap(key, 'client')
  return { wrap, wrapKey: key, wrappedKey: undefined }
}

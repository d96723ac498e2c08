// The folder of keys, outside the repository: private keys in BIND's form, each zone's state and signatures, and what
// `cairn-dns dnssec` asks a running server for. Files are for the owner alone; what must not be lost is written with
// O_DSYNC, since Node's permission model refuses fsync.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { formatName, type Name } from '../../shared/dns/name.ts'
import { replaceFile, writeAll } from '../../shared/files/replace-file.ts'
import { Fatal } from '../../shared/result/result.ts'
import { algorithmOf } from '../../shared/dnssec/algorithms.ts'
import {
  formatPrivateKey,
  formatPublicKey,
  KEY_FILE_LIMIT_BYTES,
  keyFileName,
  parsePrivateKey,
  parsePublicKeyFlags,
  zoneKey,
  type KeyTimes,
  type ZoneKey,
} from './core/dnssec/key-file.ts'
import { FIRST_ROLL_STATE, type RollState } from './core/dnssec/key-roll.ts'

export type ZoneState = {
  /** Last served, and what the zone's own was then. */
  readonly serial?: number
  readonly unsignedSerial?: number
  readonly roll: RollState
}

/** Above this the state, of which every version is appended, is written anew. */
const STATE_LIMIT_BYTES = 65_536
const KEPT = 'signatures'
/** A larger one is signed anew. */
const KEPT_LIMIT_BYTES = 2 ** 31 - 1
/** A tag that another key of the zone has would make validators try both. */
const TAG_TRIES = 20
/** Mode of every file. */
const OWNER_ONLY = 0o600

export class KeyFolder {
  readonly #path: string
  readonly #view: string

  /** Keys are those of all views; what is kept of zones is that of `view`, by its name. */
  constructor(path: string, view = '') {
    this.#path = path
    this.#view = view
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
    } catch (cause) {
      throw new Fatal(`The key folder ${path} cannot be made: ${String(cause)}`, { cause })
    }
  }

  /** Every key of the zone; one that cannot be read ends the program, for signing without it could break the zone. */
  keys(origin: Name): readonly ZoneKey[] {
    const prefix = keyFileName(origin, { algorithm: 0, tag: 0 }).replace(/\+000\+00000$/, '+')
    return readdirSync(this.#path)
      .filter((file) => file.startsWith(prefix) && file.endsWith('.private'))
      .map((file) => this.#key(file))
  }

  /** A new key, on the disk. */
  makeKey(
    origin: Name,
    wish: { readonly algorithm: number; readonly flags: number; readonly times: KeyTimes },
  ): ZoneKey {
    const algorithm = algorithmOf(wish.algorithm)!
    const tags = new Set(this.keys(origin).map(({ tag }) => tag))
    let made: ZoneKey
    let tries = 0
    do made = zoneKey(newPrivateKey(wish.algorithm), { ...wish, algorithm })
    while (tags.has(made.tag) && ++tries < TAG_TRIES)
    this.writeKey(origin, made)
    return made
  }

  writeKey(origin: Name, key: ZoneKey): void {
    const name = join(this.#path, keyFileName(origin, key))
    replaceFile(`${name}.key`, formatPublicKey(origin, key), OWNER_ONLY)
    replaceFile(`${name}.private`, formatPrivateKey(key), OWNER_ONLY)
  }

  /** Names of the views, but for everybody's, that have signed a zone of this name. */
  views(origin: Name): readonly string[] {
    const prefix = `${fileStem(origin)}state.`
    return readdirSync(this.#path)
      .filter((file) => file.startsWith(prefix))
      .map((file) => file.slice(prefix.length))
      .sort()
  }

  /** The last version that is whole. */
  state(origin: Name): ZoneState {
    const lines = (read(this.#file(origin, 'state')) ?? Buffer.alloc(0)).toString().split('\n')
    for (const line of lines.reverse()) {
      try {
        if (line !== '') return JSON.parse(line) as ZoneState
      } catch {
        // Written as the power went: the one before holds.
      }
    }
    return { roll: FIRST_ROLL_STATE }
  }

  /** On the disk when it returns. */
  writeState(origin: Name, state: ZoneState): void {
    const file = this.#file(origin, 'state')
    const line = `${JSON.stringify(state)}\n`
    if (sizeOf(file) > STATE_LIMIT_BYTES) replaceFile(file, line, OWNER_ONLY)
    // A line that was cut off does not swallow this one.
    else append(file, Buffer.from(`\n${line}`), constants.O_DSYNC)
  }

  /** The zone as it was signed last (kept-zone.ts); empty when there is none. */
  keptZone(origin: Name): Buffer {
    const file = this.#file(origin, KEPT)
    return sizeOf(file) > KEPT_LIMIT_BYTES ? Buffer.alloc(0) : (read(file) ?? Buffer.alloc(0))
  }

  appendKept(origin: Name, frames: Uint8Array): void {
    append(this.#file(origin, KEPT), frames, 0)
  }

  /** What is behind `octets` goes. */
  cutKept(origin: Name, octets: number): void {
    const file = this.#file(origin, KEPT)
    if (sizeOf(file) > octets) truncateSync(file, octets)
  }

  /** Where another one is written, for `replaceKept`. */
  newKeptFile(origin: Name): string {
    return `${this.#file(origin, KEPT)}.new`
  }

  replaceKept(origin: Name): void {
    renameSync(this.newKeptFile(origin), this.#file(origin, KEPT))
  }

  /** Words that a person left for the server, each once. */
  takeRequests(origin: Name): readonly string[] {
    const file = this.#file(origin, 'request')
    const text = read(file)?.toString()
    if (text === undefined) return []
    rmSync(file, { force: true })
    return text.split('\n').filter((line) => line !== '')
  }

  leaveRequest(origin: Name, request: string): void {
    append(this.#file(origin, 'request'), Buffer.from(`${request}\n`), constants.O_DSYNC)
  }

  #file(origin: Name, kind: string): string {
    const view = this.#view === '' ? '' : `.${this.#view}`
    return join(this.#path, `${fileStem(origin)}${kind}${view}`)
  }

  #key(file: string): ZoneKey {
    const path = join(this.#path, file)
    if (sizeOf(path) > KEY_FILE_LIMIT_BYTES) throw new Fatal(`${path} is too large for a key`)
    const flags = parsePublicKeyFlags(read(path.replace(/private$/, 'key'))?.toString() ?? '')
    if (flags === undefined)
      throw new Fatal(`${path}: there is no .key file with a DNSKEY record beside it`)
    const key = parsePrivateKey(read(path)?.toString() ?? '', flags)
    if (!key.ok) throw new Fatal(`${path}: ${key.error}`)
    const { times } = key.value
    // Without times it was given to be used.
    return Object.keys(times).length > 0 ? key.value : { ...key.value, times: GIVEN }
  }
}

/** What the names of a zone's files begin with. */
function fileStem(origin: Name): string {
  return formatName(origin).replaceAll('/', '\\047')
}

function newPrivateKey(number: number): KeyObject {
  const { family } = algorithmOf(number)!
  if (family.kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  if (family.kind === 'ec')
    return generateKeyPairSync('ec', { namedCurve: family.curve }).privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ENOENT') return undefined
    throw cause
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function append(path: string, bytes: Uint8Array, flags: number): void {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants
  writeAll(openSync(path, O_WRONLY | O_APPEND | O_CREAT | flags, OWNER_ONLY), bytes)
}

const GIVEN: KeyTimes = { created: 0, publish: 0, activate: 0, syncPublish: 0 }

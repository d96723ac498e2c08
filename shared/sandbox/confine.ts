// The first half of the sandbox: before anything is opened the process gives up root, privileges and the file system,
// and becomes itself again (execve, same process id), so that no thread of it was ever outside.
import { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isSea } from 'node:sea'
import type { SandboxConfig } from '../config/sandbox-table.ts'
import {
  CAPABILITY,
  LANDLOCK_RULE,
  openLinux,
  type Linux,
  type LinuxCall,
} from '../native/linux.ts'
import { Fatal } from '../result/result.ts'
import { findAccount, type Account } from './accounts.ts'
import { connectPortAttr, pathBeneathAttr, rulesetAttr, type PathAccess } from './landlock-rules.ts'
import { SYSTEM_READ, SYSTEM_WRITE, type SandboxNeeds } from './needs.ts'
import { absentFilter } from './seccomp-filter.ts'
import { asNodeOptions, HARDENING_FLAGS, permissionFlags } from './node-flags.ts'

/** What holds the process, in words for the log and /status. */
export type Confinement = {
  readonly isEnabled: boolean
  readonly held: readonly string[]
  /** Parts that this machine does not give, each with the reason. */
  readonly missing: readonly string[]
}

/** Tells the process that this one becomes what was done. */
const MARK = 'CAIRN_CONFINED'

/**
 * Comes back in a process that is confined as far as this machine allows; the first time round it does not come back, but
 * starts the program anew. Throws `Fatal` when `require` wants what cannot be had, or the user is unknown.
 */
export async function confine(config: SandboxConfig, needs: SandboxNeeds): Promise<Confinement> {
  const mark = process.env[MARK]
  delete process.env[MARK]
  if (mark !== undefined) return JSON.parse(mark) as Confinement
  if (!config.enabled) return { isEnabled: false, held: [], missing: [] }
  const linux = await openLinux()
  const confinement =
    linux === undefined
      ? { isEnabled: true, held: heldByNode(), missing: [noLinux()] }
      : new Confiner(linux, config, needs).enter()
  if (config.require) refuseMissing(confinement)
  if (linux === undefined) return confinement
  const environment = {
    ...process.env,
    [MARK]: JSON.stringify(confinement),
  }
  const { file, args, options } = ownProgram(needs)
  const { errno } = linux.execute(file, args, { ...environment, ...options })
  throw new Fatal(`Cannot start ${file} again inside the sandbox (errno ${errno})`)
}

/** For `require`. */
export function refuseMissing({ missing }: Confinement): void {
  if (missing.length === 0) return
  throw new Fatal(
    `The sandbox is incomplete: ${missing.join('; ')}. Start where it can be had, or leave out require in [sandbox]`,
  )
}

class Confiner {
  readonly #linux: Linux
  readonly #config: SandboxConfig
  readonly #needs: SandboxNeeds
  readonly #held: string[] = []
  readonly #missing: string[] = []

  constructor(linux: Linux, config: SandboxConfig, needs: SandboxNeeds) {
    this.#linux = linux
    this.#config = config
    this.#needs = needs
  }

  enter(): Confinement {
    const account = accountOf(this.#config)
    // The user's own folders are made by the user.
    if (account !== undefined) this.#become(account)
    const { write, sockets = [] } = this.#needs
    for (const path of [...write, ...sockets.map((each) => dirname(each))]) makeFolder(path)
    this.#dropCapabilities()
    this.#note('no new privileges', this.#linux.noNewPrivileges())
    // What io_uring does is no system call that a filter sees, and libuv takes it up at its first breath.
    this.#note('no io_uring', this.#linux.seccomp(absentFilter(this.#linux.machine)))
    this.#landlock()
    if (!hasPermissionFlags()) this.#held.push('node permission flags')
    else this.#held.push(...heldByNode())
    return { isEnabled: true, held: this.#held, missing: this.#missing }
  }

  #become(account: Account): void {
    this.#linux.boundCapabilities(this.#ownCapabilities())
    const failed = this.#linux.becomeUser(account)
    if (failed !== undefined)
      throw new Fatal(
        `Cannot become the user ${this.#config.user} of [sandbox] (${failed.call}, errno ${failed.errno})`,
      )
    this.#held.push(`user ${this.#config.user}`)
  }

  #dropCapabilities(): void {
    const isRoot = process.getuid?.() === 0
    // Root that stays root goes on reading what others own, within Landlock's limits.
    const wanted = [...this.#ownCapabilities(), ...(isRoot ? [CAPABILITY.dacOverride] : [])]
    this.#linux.boundCapabilities(wanted)
    const permitted = permittedCapabilities()
    const kept = wanted.filter((each) => (permitted & (1n << BigInt(each))) !== 0n)
    this.#note('capabilities', this.#linux.keepCapabilities(kept))
    if (isRoot)
      this.#missing.push(
        'a user that is not root: name one with user in [sandbox], or start as one',
      )
  }

  #ownCapabilities(): readonly number[] {
    const { networkAdmin = false } = this.#needs
    return [CAPABILITY.netBindService, ...(networkAdmin ? [CAPABILITY.netAdmin] : [])]
  }

  #landlock(): void {
    const abi = this.#linux.landlockAbi()
    if (abi === 0) {
      this.#missing.push('Landlock, which the kernel has not or has switched off')
      return
    }
    const { connect } = this.#needs
    const limitConnect = connect !== 'any'
    const isAbstract = process.env['NOTIFY_SOCKET']?.startsWith('@') === true
    const attr = rulesetAttr({ abi, limitConnect, limitAbstractSockets: !isAbstract })
    const ruleset = this.#linux.landlockRuleset(attr)
    if (typeof ruleset !== 'number') return this.#note('landlock', ruleset)
    for (const [access, paths] of this.#paths())
      for (const path of paths) this.#allowPath(ruleset, abi, access, path)
    if (connect !== 'any' && abi >= 4)
      for (const port of new Set(connect))
        this.#linux.landlockRule(ruleset, LANDLOCK_RULE.netPort, connectPortAttr(port))
    this.#note(`landlock ABI ${abi}`, this.#linux.landlockRestrict(ruleset))
    this.#linux.close(ruleset)
    if (limitConnect && abi < 4)
      this.#missing.push(`limits on connections, which Landlock has from ABI 4 on (here ${abi})`)
  }

  #paths(): readonly (readonly [PathAccess, readonly string[]])[] {
    const { read, reread = [], write, devices = [], sockets = [] } = this.#needs
    return [
      // Libraries are run by the loader that execve starts.
      ['execute', [process.execPath, '/lib', '/lib64', '/usr/lib', '/usr/lib64']],
      ['read', [...SYSTEM_READ, ...ownFiles(), ...read, ...foldersOf(reread)]],
      ['write', [...SYSTEM_WRITE, ...write]],
      ['device', devices],
      ['socket', sockets.map((path) => dirname(path))],
    ]
  }

  #allowPath(ruleset: number, abi: number, access: PathAccess, path: string): void {
    const fd = this.#linux.openPath(resolve(path))
    // What is not there now is not there for the sandbox.
    if (typeof fd !== 'number') return
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    const attr = pathBeneathAttr({ abi, access, isFolder, fd })
    const failed = this.#linux.landlockRule(ruleset, LANDLOCK_RULE.pathBeneath, attr)
    this.#linux.close(fd)
    if (failed !== undefined)
      this.#missing.push(`access to ${path} (${failed.call}, errno ${failed.errno})`)
  }

  #note(what: string, failed: LinuxCall | undefined): void {
    if (failed === undefined) this.#held.push(what)
    else this.#missing.push(`${what} (${failed.call}, errno ${failed.errno})`)
  }
}

/** Undefined when there is nothing to become. */
function accountOf(config: SandboxConfig): Account | undefined {
  const { user } = config
  if (user === undefined || process.getuid?.() !== 0) return undefined
  const account = findAccount(
    user,
    readFileSync('/etc/passwd', 'utf8'),
    readFileSync('/etc/group', 'utf8'),
  )
  if (account === undefined)
    throw new Fatal(
      `There is no user ${user}: make it (useradd --system ${user}), or change user in [sandbox]`,
    )
  return account
}

function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    try {
      mkdirSync(path, { recursive: true })
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      throw new Fatal(`Cannot make ${path} (${code})`)
    }
}

function permittedCapabilities(): bigint {
  const [, hex] = /^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return BigInt(`0x${hex ?? '0'}`)
}

function hasPermissionFlags(): boolean {
  return process.permission !== undefined
}

function heldByNode(): readonly string[] {
  return hasPermissionFlags() ? ['node permission flags, as given'] : []
}

function noLinux(): string {
  return process.platform === 'linux'
    ? 'Landlock and seccomp, for which Node needs --allow-ffi'
    : `Landlock and seccomp, which ${process.platform} has not`
}

/** The folders in which `files` are looked up, and those of the files that symbolic links among them name. */
function foldersOf(files: readonly string[]): readonly string[] {
  const folders = new Set<string>()
  for (const file of files) {
    let at = resolve(file)
    for (let links = 0; links < 40; links++) {
      // Nobody wants the whole tree read for a file at its root.
      folders.add(dirname(at) === '/' ? at : dirname(at))
      if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== true) break
      at = resolve(dirname(at), readlinkSync(at))
    }
  }
  return [...folders]
}

/** The program's own files: the source tree, or the bundle and the packages beside it. */
function ownFiles(): readonly string[] {
  if (isSea()) return [process.execPath]
  const main = realpathSync(process.argv[1]!)
  const folder = dirname(main)
  if (main.endsWith('.ts')) return [sourceTree(folder)]
  return [main, join(folder, 'node_modules')].filter(
    (path) => statSync(path, { throwIfNoEntry: false }) !== undefined,
  )
}

/** The folder at or above `folder` that has the package's manifest. */
function sourceTree(folder: string): string {
  for (let at = folder; at !== dirname(at); at = dirname(at))
    if (statSync(join(at, 'package.json'), { throwIfNoEntry: false }) !== undefined) return at
  return folder
}

/** How this program is started once more, with Node's flags unless somebody gave some. */
function ownProgram(needs: SandboxNeeds): {
  readonly file: string
  readonly args: readonly string[]
  readonly options: { readonly NODE_OPTIONS?: string }
} {
  const file = process.execPath
  const here = (paths: readonly string[]): readonly string[] =>
    paths.flatMap((path) =>
      // Node looks at a name as it is given, and again when links were followed.
      statSync(path, { throwIfNoEntry: false }) === undefined
        ? []
        : [resolve(path), realpathSync(path)],
    )
  const given = hasPermissionFlags()
    ? []
    : permissionFlags({
        read: here([...ownFiles(), ...needs.read, ...foldersOf(needs.reread ?? [])]),
        write: [
          ...here([...needs.write, ...(needs.devices ?? [])]),
          // Mostly not there yet.
          ...(needs.sockets ?? []).map((path) => resolve(path)),
        ],
      })
  const { youngMegabytes } = needs
  const heap = youngMegabytes === undefined ? [] : [`--max-semi-space-size=${youngMegabytes}`]
  const flags = [...given, ...HARDENING_FLAGS, ...heap]
  if (!isSea())
    return {
      file,
      args: [file, ...process.execArgv, ...flags, ...process.argv.slice(1)],
      options: {},
    }
  const before = process.env['NODE_OPTIONS'] ?? ''
  const options = { NODE_OPTIONS: `${before} ${asNodeOptions(flags)}`.trim() }
  return { file, args: [file, ...process.argv.slice(2)], options }
}

// System calls that Node has no word for: Landlock, seccomp, capabilities, another user, and a new program in this
// process. x64 and arm64.
import type * as Ffi from 'node:ffi'
import { openFfi } from './ffi.ts'

const PR_SET_NO_NEW_PRIVS = 38
const PR_SET_KEEPCAPS = 8
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_RAISE = 2
const PR_CAP_AMBIENT_CLEAR_ALL = 4
const PR_CAPBSET_DROP = 24
const O_PATH_CLOEXEC = 0o12000000
const LANDLOCK_CREATE_RULESET = 444n
const LANDLOCK_ADD_RULE = 445n
const LANDLOCK_RESTRICT_SELF = 446n
const LANDLOCK_VERSION = 1n
export const LANDLOCK_RULE = { pathBeneath: 1n, netPort: 2n } as const
const SECCOMP = { x64: 317n, arm64: 277n } as const
const FCNTL = { x64: 72n, arm64: 25n } as const
const F_SETFD = 2n
/** Standard input, output and error. */
const STANDARD_DESCRIPTORS = [0n, 1n, 2n] as const
const CAPSET = { x64: 126n, arm64: 91n } as const
const SECCOMP_SET_MODE_FILTER = 1n
const SECCOMP_FILTER_FLAG_TSYNC = 1n
const CAPABILITY_VERSION_3 = 0x2008_0522
/** One more than any kernel has; dropping one that is not there fails and does no harm. */
const CAPABILITIES_LIMIT = 64
/** linux/capability.h */
export const CAPABILITY = { dacOverride: 1, netBindService: 10, netAdmin: 12 } as const

export type LinuxCall = { readonly call: string; readonly errno: number }

/** The calls, or undefined when FFI is refused (`--permission` without `--allow-ffi`) or this is no Linux we know. */
export async function openLinux(): Promise<Linux | undefined> {
  const ffi = await openFfi()
  // `openFfi` knows no other machines.
  return ffi && new Linux(ffi, process.arch as Linux['machine'])
}

/** Each method gives undefined when it worked, and what failed otherwise. */
export class Linux {
  readonly machine: 'x64' | 'arm64'
  readonly #ffi: typeof Ffi
  readonly #libc: Libc

  constructor(ffi: typeof Ffi, machine: 'x64' | 'arm64') {
    this.machine = machine
    this.#ffi = ffi
    this.#libc = openLibc(ffi)
  }

  /** Landlock's version; 0 when the kernel has none, or has it switched off. */
  landlockAbi(): number {
    const abi = this.#syscall(LANDLOCK_CREATE_RULESET, 0n, 0n, LANDLOCK_VERSION)
    return Math.max(0, Number(abi))
  }

  /** A file descriptor, or what failed. */
  landlockRuleset(attr: Uint8Array): number | LinuxCall {
    const fd = this.#syscall(
      LANDLOCK_CREATE_RULESET,
      this.#ffi.getRawPointer(attr),
      BigInt(attr.length),
      0n,
    )
    return fd >= 0n ? Number(fd) : this.#failed('landlock_create_ruleset')
  }

  landlockRule(ruleset: number, type: bigint, attr: Uint8Array): LinuxCall | undefined {
    const pointer = this.#ffi.getRawPointer(attr)
    const result = this.#syscall(LANDLOCK_ADD_RULE, BigInt(ruleset), type, pointer, 0n)
    return result === 0n ? undefined : this.#failed('landlock_add_rule')
  }

  /** For the calling thread, those it makes, and the program it becomes. */
  landlockRestrict(ruleset: number): LinuxCall | undefined {
    const result = this.#syscall(LANDLOCK_RESTRICT_SELF, BigInt(ruleset), 0n)
    return result === 0n ? undefined : this.#failed('landlock_restrict_self')
  }

  noNewPrivileges(): LinuxCall | undefined {
    return this.#prctl(PR_SET_NO_NEW_PRIVS, 1n)
  }

  /** For every thread of the process, for ever. Needs `noNewPrivileges` first. */
  seccomp(filter: Uint8Array): LinuxCall | undefined {
    const { getRawPointer } = this.#ffi
    // struct sock_fprog: count, padding, pointer.
    const program = Buffer.alloc(16)
    program.writeUInt16LE(filter.length / 8, 0)
    program.writeBigUInt64LE(getRawPointer(filter), 8)
    const result = this.#syscall(
      SECCOMP[this.machine],
      SECCOMP_SET_MODE_FILTER,
      SECCOMP_FILTER_FLAG_TSYNC,
      getRawPointer(program),
    )
    return result === 0n ? undefined : this.#failed('seccomp')
  }

  /** From root to another user, with its groups, keeping the capabilities that are permitted. */
  becomeUser(user: {
    readonly uid: number
    readonly gid: number
    readonly groups: readonly number[]
  }): LinuxCall | undefined {
    const groups = Uint32Array.from(user.groups)
    const kept = this.#prctl(PR_SET_KEEPCAPS, 1n)
    if (kept !== undefined) return kept
    if (this.#libc.setgroups(BigInt(groups.length), this.#ffi.getRawPointer(groups)) !== 0)
      return this.#failed('setgroups')
    if (this.#libc.setresgid(user.gid, user.gid, user.gid) !== 0) return this.#failed('setresgid')
    if (this.#libc.setresuid(user.uid, user.uid, user.uid) !== 0) return this.#failed('setresuid')
    return undefined
  }

  /** What a program that this process becomes can have at most. Needs to be root; for others nothing changes. */
  boundCapabilities(kept: readonly number[]): void {
    for (let each = 0; each < CAPABILITIES_LIMIT; each++)
      if (!kept.includes(each)) this.#libc.prctl(PR_CAPBSET_DROP, BigInt(each), 0n, 0n, 0n)
  }

  /** Leaves this thread these capabilities, which it must have, and hands them on to a program it becomes. */
  keepCapabilities(kept: readonly number[]): LinuxCall | undefined {
    const cleared = this.#prctl(PR_CAP_AMBIENT, BigInt(PR_CAP_AMBIENT_CLEAR_ALL))
    const failed = cleared ?? this.#capset(kept)
    if (failed !== undefined) return failed
    for (const each of kept) {
      const raised = this.#prctl(PR_CAP_AMBIENT, BigInt(PR_CAP_AMBIENT_RAISE), BigInt(each))
      if (raised !== undefined) return raised
    }
    return undefined
  }

  /** A descriptor that only names the path, or what failed. */
  openPath(path: string): number | LinuxCall {
    const fd = this.#libc.open(this.#text(path), O_PATH_CLOEXEC, 0)
    return fd >= 0 ? fd : this.#failed('open')
  }

  close(fd: number): void {
    this.#libc.close(fd)
  }

  /** Becomes another program, with this process id and its standard streams; comes back only when that failed. */
  execute(
    file: string,
    args: readonly string[],
    environment: { readonly [name: string]: string | undefined },
  ): LinuxCall {
    const variables = Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : `${name}=${value}`,
    )
    // Node marks them to be closed when a program is started.
    for (const fd of STANDARD_DESCRIPTORS) this.#syscall(FCNTL[this.machine], fd, F_SETFD, 0n)
    const argv = this.#texts(args)
    const envp = this.#texts(variables)
    this.#libc.execve(
      this.#text(file),
      this.#ffi.getRawPointer(argv),
      this.#ffi.getRawPointer(envp),
    )
    return this.#failed('execve')
  }

  #capset(kept: readonly number[]): LinuxCall | undefined {
    const header = new Uint32Array([CAPABILITY_VERSION_3, 0])
    // Effective, permitted and inheritable, for the low 32 bits and the high ones.
    const low = kept.reduce((bits, each) => bits | (1 << each), 0) >>> 0
    const data = new Uint32Array([low, low, low, 0, 0, 0])
    const { getRawPointer } = this.#ffi
    const result = this.#syscall(CAPSET[this.machine], getRawPointer(header), getRawPointer(data))
    return result === 0n ? undefined : this.#failed('capset')
  }

  #prctl(option: number, first: bigint, second = 0n): LinuxCall | undefined {
    return this.#libc.prctl(option, first, second, 0n, 0n) === 0 ? undefined : this.#failed('prctl')
  }

  #syscall(number: bigint, a = 0n, b = 0n, c = 0n, d = 0n): bigint {
    return this.#libc.syscall(number, a, b, c, d)
  }

  #failed(call: string): LinuxCall {
    return { call, errno: this.#ffi.getInt32(this.#libc.__errno_location()) }
  }

  /** Kept for the life of the process: the kernel reads it while nobody here holds it. */
  readonly #held: Uint8Array[] = []

  #text(text: string): bigint {
    const bytes = Buffer.from(`${text}\0`)
    this.#held.push(bytes)
    return this.#ffi.getRawPointer(bytes)
  }

  #texts(texts: readonly string[]): BigUint64Array {
    return BigUint64Array.from([...texts.map((each) => this.#text(each)), 0n])
  }
}

type Libc = ReturnType<typeof openLibc>

function openLibc(ffi: typeof Ffi) {
  return ffi.dlopen(null, {
    syscall: { arguments: ['i64', 'u64', 'u64', 'u64', 'u64'], return: 'i64' },
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    open: { arguments: ['pointer', 'i32', 'u32'], return: 'i32' },
    close: { arguments: ['i32'], return: 'i32' },
    execve: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
    setgroups: { arguments: ['u64', 'pointer'], return: 'i32' },
    setresuid: { arguments: ['u32', 'u32', 'u32'], return: 'i32' },
    setresgid: { arguments: ['u32', 'u32', 'u32'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  } as const).functions
}

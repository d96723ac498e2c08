// A socket to the kernel's packet filter (netlink(7), NETLINK_NETFILTER): messages in, its answers out. Needs CAP_NET_ADMIN.
import type * as Ffi from 'node:ffi'
import { getSystemErrorName } from 'node:util'
import { err, ok, type Result } from '../result/result.ts'
import { openFfi } from './ffi.ts'

/** Undefined where FFI is refused or this is no Linux we know. */
export async function openNetfilter(): Promise<Netfilter | undefined> {
  const ffi = await openFfi()
  return ffi && new Netfilter(ffi)
}

/** Opens nothing until it is asked, and closes what it opened. */
export class Netfilter {
  readonly #ffi: typeof Ffi
  readonly #libc: Libc

  constructor(ffi: typeof Ffi) {
    this.#ffi = ffi
    this.#libc = ffi.dlopen(null, LIBC).functions
  }

  /** What the kernel answered, each with its header; or the name of the first fault it had: `ENOENT`, `EPERM`. */
  request(messages: Uint8Array): Result<readonly Uint8Array[], string> {
    const fd = this.#libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER)
    if (fd < 0) return err(this.#fault())
    try {
      const room = Int32Array.of(SEND_OCTETS)
      this.#libc.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, this.#ffi.getRawPointer(room), 4)
      const octets = Uint8Array.from(messages)
      const at = this.#ffi.getRawPointer(octets)
      if (this.#libc.send(fd, at, BigInt(octets.length), 0) < 0n) return err(this.#fault())
      return this.#answers(fd)
    } finally {
      this.#libc.close(fd)
    }
  }

  /** The kernel has answered all of it when `send` comes back. */
  #answers(fd: number): Result<readonly Uint8Array[], string> {
    const room = new Uint8Array(ANSWER_OCTETS)
    const answers: Uint8Array[] = []
    for (;;) {
      const at = this.#ffi.getRawPointer(room)
      const length = Number(this.#libc.recv(fd, at, BigInt(room.length), MSG_DONTWAIT))
      if (length < 0) {
        const fault = this.#fault()
        return fault === 'EAGAIN' ? ok(answers) : err(fault)
      }
      for (const answer of split(room.slice(0, length))) {
        const view = new DataView(answer.buffer, answer.byteOffset, answer.length)
        const code = view.getUint16(4, true) === NLMSG_ERROR ? view.getInt32(16, true) : 0
        if (code !== 0) return err(getSystemErrorName(code))
        answers.push(answer)
      }
    }
  }

  #fault(): string {
    return getSystemErrorName(-this.#ffi.getInt32(this.#libc.__errno_location()))
  }
}

function split(octets: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(octets.buffer)
  const answers: Uint8Array[] = []
  for (let at = 0; at + HEADER_AND_CODE_OCTETS <= octets.length;) {
    const length = view.getUint32(at, true)
    if (length < HEADER_AND_CODE_OCTETS || at + length > octets.length) break
    answers.push(octets.subarray(at, at + length))
    at += Math.ceil(length / 4) * 4
  }
  return answers
}

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 0o2000003
const NETLINK_NETFILTER = 12
const SOL_SOCKET = 1
const SO_SNDBUFFORCE = 32
/** A batch is one message of the socket. */
const SEND_OCTETS = 4 * 1024 * 1024
const MSG_DONTWAIT = 0x40
const NLMSG_ERROR = 2
const HEADER_AND_CODE_OCTETS = 20
const ANSWER_OCTETS = 65_536

const LIBC = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  send: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  recv: { arguments: ['i32', 'pointer', 'u64', 'i32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const

type Libc = ReturnType<typeof Ffi.dlopen<typeof LIBC>>['functions']

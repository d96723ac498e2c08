import { describe, expect, test } from 'vitest'
import {
  INSTRUCTION_BYTES,
  seccompFilter,
  VERDICT,
} from '../../../../shared/sandbox/seccomp-filter.ts'
import { AUDIT_ARCH, syscallPolicy, type Machine } from '../../../../shared/sandbox/syscalls.ts'

const PID = 4711

/** Runs the filter as the kernel does. */
function verdict(
  machine: Machine,
  call: { number: number; arch?: number; args?: number[] },
): number {
  const program = Buffer.from(seccompFilter(syscallPolicy(machine, PID)))
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number, 0)
  data.writeUInt32LE(call.arch ?? AUDIT_ARCH[machine], 4)
  for (const [i, value] of (call.args ?? []).entries())
    data.writeBigUInt64LE(BigInt(value), 16 + 8 * i)
  let accumulator = 0
  for (let at = 0; ; at++) {
    const base = at * INSTRUCTION_BYTES
    const code = program.readUInt16LE(base)
    const k = program.readUInt32LE(base + 4)
    const jump = (isTrue: boolean): number => program[base + (isTrue ? 2 : 3)]!
    if (code === 0x06) return k
    else if (code === 0x20) accumulator = data.readUInt32LE(k)
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0
    else if (code === 0x15) at += jump(accumulator === k)
    else if (code === 0x35) at += jump(accumulator >= k)
    else throw new Error(`code ${code}`)
  }
}

describe.each([
  [
    'x64',
    {
      write: 1,
      execve: 59,
      clone: 56,
      socket: 41,
      clone3: 435,
      listen: 50,
      kill: 62,
      ioctl: 16,
      prlimit64: 302,
    },
  ],
  [
    'arm64',
    {
      write: 64,
      execve: 221,
      clone: 220,
      socket: 198,
      clone3: 435,
      listen: 201,
      kill: 129,
      ioctl: 29,
      prlimit64: 261,
    },
  ],
] as const)('on %s', (machine, number) => {
  test('what a server does all day is allowed', () => {
    expect(verdict(machine, { number: number.write })).toBe(VERDICT.allow)
  })

  test('a new program is the end', () => {
    expect(verdict(machine, { number: number.execve })).toBe(VERDICT.kill)
  })

  test('a call of another architecture is the end', () => {
    const arch = AUDIT_ARCH[machine === 'x64' ? 'arm64' : 'x64']
    expect(verdict(machine, { number: number.write, arch })).toBe(VERDICT.kill)
  })

  test('threads are made, processes are not', () => {
    expect(verdict(machine, { number: number.clone, args: [0x003d_0f00] })).toBe(VERDICT.allow)
    expect(verdict(machine, { number: number.clone, args: [17] })).toBe(VERDICT.refuse)
    expect(verdict(machine, { number: number.clone3 })).toBe(VERDICT.absent)
  })

  test('sockets of the internet and of UNIX, no others, and no new listeners', () => {
    for (const domain of [1, 2, 10, 16])
      expect(verdict(machine, { number: number.socket, args: [domain, 2] })).toBe(VERDICT.allow)
    for (const domain of [0, 17, 38, 40])
      expect(verdict(machine, { number: number.socket, args: [domain, 3] })).toBe(VERDICT.refuse)
    expect(verdict(machine, { number: number.listen })).toBe(VERDICT.refuse)
  })

  test('signals go to the process itself', () => {
    expect(verdict(machine, { number: number.kill, args: [PID, 6] })).toBe(VERDICT.allow)
    expect(verdict(machine, { number: number.kill, args: [1, 9] })).toBe(VERDICT.refuse)
  })

  test('a terminal is not typed into, and limits are read alone', () => {
    expect(verdict(machine, { number: number.ioctl, args: [0, 0x5413] })).toBe(VERDICT.allow)
    expect(verdict(machine, { number: number.ioctl, args: [0, 0x5412] })).toBe(VERDICT.refuse)
    expect(verdict(machine, { number: number.prlimit64, args: [0, 7, 0] })).toBe(VERDICT.allow)
    expect(verdict(machine, { number: number.prlimit64, args: [0, 7, 4096] })).toBe(VERDICT.refuse)
  })

  test('what nobody thought of is refused', () => {
    expect(verdict(machine, { number: 4000 })).toBe(VERDICT.refuse)
  })
})

test('the x32 calls of x64 are the end', () => {
  expect(verdict('x64', { number: 0x4000_0001 })).toBe(VERDICT.kill)
})

test('no number stands in two lists', () => {
  for (const machine of ['x64', 'arm64'] as const) {
    const { allowed, fatal, absent, conditional } = syscallPolicy(machine, PID)
    const all = [...allowed, ...fatal, ...absent, ...conditional.map((rule) => rule.number)]
    expect(new Set(all).size).toBe(all.length)
  }
})

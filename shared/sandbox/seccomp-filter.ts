// A seccomp filter as the kernel takes it: classic BPF over `struct seccomp_data` (linux/seccomp.h, linux/filter.h).
import {
  AUDIT_ARCH,
  syscallPolicy,
  type ArgumentRule,
  type Machine,
  type SyscallPolicy,
} from './syscalls.ts'

/** Offsets in struct seccomp_data; an argument's low half comes first on little-endian machines, and Node has no others. */
const NUMBER_AT = 0
const ARCH_AT = 4
const ARGUMENTS_AT = 16

const LOAD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_GREATER_EQUAL = 0x35
const AND = 0x54
const RETURN = 0x06

export const VERDICT = {
  allow: 0x7fff_0000,
  kill: 0x8000_0000,
  /** SECCOMP_RET_ERRNO with EPERM. */
  refuse: 0x0005_0001,
  /** SECCOMP_RET_ERRNO with ENOSYS. */
  absent: 0x0005_0026,
} as const

/** Numbers from here are x32's, which nobody needs and filters forget. */
const X32_BIT = 0x4000_0000

export const INSTRUCTION_BYTES = 8

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number]

/** What the policy says of a call; anything it does not name is refused with EPERM. */
export function seccompFilter(policy: SyscallPolicy): Uint8Array {
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCH_AT],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[policy.machine]],
    [RETURN, 0, 0, VERDICT.kill],
    [LOAD, 0, 0, NUMBER_AT],
  ]
  if (policy.machine === 'x64')
    program.push([JUMP_GREATER_EQUAL, 0, 1, X32_BIT], [RETURN, 0, 0, VERDICT.kill])
  for (const number of policy.allowed) program.push(...onNumber(number, VERDICT.allow))
  for (const number of policy.fatal) program.push(...onNumber(number, VERDICT.kill))
  for (const number of policy.absent) program.push(...onNumber(number, VERDICT.absent))
  for (const rule of policy.conditional) {
    const body = ruleBody(rule)
    program.push([JUMP_EQUAL, 0, body.length, rule.number], ...body)
  }
  program.push([RETURN, 0, 0, VERDICT.refuse])
  return encode(program)
}

/** Allows everything but the calls that are to look as on a kernel without them. */
export function absentFilter(machine: Machine): Uint8Array {
  const program: Instruction[] = [[LOAD, 0, 0, NUMBER_AT]]
  for (const number of syscallPolicy(machine, 0).absent)
    program.push(...onNumber(number, VERDICT.absent))
  program.push([RETURN, 0, 0, VERDICT.allow])
  return encode(program)
}

function onNumber(number: number, verdict: number): readonly Instruction[] {
  return [
    [JUMP_EQUAL, 0, 1, number],
    [RETURN, 0, 0, verdict],
  ]
}

/** Ends in a verdict whatever the argument: the number that was loaded is gone. */
function ruleBody(rule: ArgumentRule): readonly Instruction[] {
  const load: Instruction = [LOAD, 0, 0, ARGUMENTS_AT + 8 * rule.argument]
  const allow: Instruction = [RETURN, 0, 0, VERDICT.allow]
  const refuse: Instruction = [RETURN, 0, 0, VERDICT.refuse]
  if ('allBits' in rule)
    return [load, [AND, 0, 0, rule.allBits], [JUMP_EQUAL, 0, 1, rule.allBits], allow, refuse]
  const values = 'oneOf' in rule ? rule.oneOf : rule.noneOf
  const [matched, other] = 'oneOf' in rule ? [allow, refuse] : [refuse, allow]
  return [
    load,
    ...values.map((value, i): Instruction => [JUMP_EQUAL, values.length - i, 0, value]),
    other,
    matched,
  ]
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES)
  for (const [i, [code, ifTrue, ifFalse, k]] of program.entries()) {
    const at = i * INSTRUCTION_BYTES
    bytes.writeUInt16LE(code, at)
    bytes[at + 2] = ifTrue
    bytes[at + 3] = ifFalse
    bytes.writeUInt32LE(k >>> 0, at + 4)
  }
  return bytes
}

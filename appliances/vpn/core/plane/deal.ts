// Which of several sockets of one port a packet belongs to, as a program of classic BPF that the kernel runs: DATA_V2 goes by
// the peer id in its header, so that a client's packets meet the same thread wherever they come from. The rest the kernel deals out.
import type { BpfInstruction } from '../../../../shared/native/udp-socket.ts'
import { OPCODE } from '../control/opcode.ts'

/** linux/bpf_common.h: classes, sizes, modes and operations put together. */
const OP = {
  loadOctet: 0x30,
  loadLong: 0x20,
  shiftRight: 0x74,
  and: 0x54,
  modulo: 0x94,
  jumpIfEqual: 0x15,
  giveAccumulator: 0x16,
  give: 0x06,
} as const
/** There is no such socket. */
const NONE = 0xffff_ffff

/** `owners` numbered from 1, one for each socket. */
export function ownerOfPeer(id: number, owners: number): number {
  return 1 + (id % owners)
}

/** What `UdpSystem.deal` takes: the socket of `ownerOfPeer`, counted from 0. */
export function dealByPeer(owners: number): readonly BpfInstruction[] {
  return [
    { op: OP.loadOctet, k: 0 },
    { op: OP.shiftRight, k: 3 },
    { op: OP.jumpIfEqual, k: OPCODE.dataV2, ifTrue: 0, ifFalse: 4 },
    { op: OP.loadLong, k: 0 },
    { op: OP.and, k: 0xff_ffff },
    { op: OP.modulo, k: owners },
    { op: OP.giveAccumulator, k: 0 },
    { op: OP.give, k: NONE },
  ]
}

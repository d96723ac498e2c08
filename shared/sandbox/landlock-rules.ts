// What Landlock is told (linux/landlock.h): rights by path and by TCP port, in the structs the kernel takes, cut down to
// what its version knows.

/** Rights on files and folders, by the ABI that brought them. */
const EXECUTE = 1 << 0
const WRITE_FILE = 1 << 1
const READ_FILE = 1 << 2
const READ_DIR = 1 << 3
const REMOVE_DIR = 1 << 4
const REMOVE_FILE = 1 << 5
const MAKE_DIR = 1 << 7
const MAKE_REG = 1 << 8
const MAKE_SOCK = 1 << 9
const REFER = 1 << 13
const TRUNCATE = 1 << 14
const IOCTL_DEV = 1 << 15
/** All of ABI 1. */
const FIRST_RIGHTS = (1 << 13) - 1

const CONNECT_TCP = 1 << 1
const SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0
const SCOPE_SIGNAL = 1 << 1

export type PathAccess = 'read' | 'write' | 'execute' | 'device' | 'socket'

const READ = READ_FILE | READ_DIR
const RIGHTS: { readonly [access in PathAccess]: number } = {
  read: READ,
  // No sockets, devices or symbolic links: nothing of ours makes one.
  write: READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE,
  execute: READ | EXECUTE,
  socket: MAKE_SOCK | REMOVE_FILE,
  device: READ_FILE | WRITE_FILE | IOCTL_DEV,
}
/** What makes sense for a file; more is an error to the kernel. */
const FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

export type RulesetOptions = {
  /** Landlock's ABI, 1 or more, as the kernel says. */
  readonly abi: number
  /** Whether connections by TCP are limited to ports that rules name. */
  readonly limitConnect: boolean
  /** Whether abstract UNIX sockets of others are out of reach. */
  readonly limitAbstractSockets: boolean
}

/** struct landlock_ruleset_attr: all that is restricted unless a rule allows it. */
export function rulesetAttr(options: RulesetOptions): Uint8Array {
  const { abi } = options
  const scoped = SCOPE_SIGNAL | (options.limitAbstractSockets ? SCOPE_ABSTRACT_UNIX_SOCKET : 0)
  const fields = [handledRights(abi)]
  if (abi >= 4) fields.push(options.limitConnect ? CONNECT_TCP : 0)
  if (abi >= 6) fields.push(scoped)
  const bytes = Buffer.alloc(8 * fields.length)
  for (const [i, field] of fields.entries()) bytes.writeBigUInt64LE(BigInt(field), 8 * i)
  return bytes
}

/** struct landlock_path_beneath_attr, packed: `fd` is the open path. */
export function pathBeneathAttr(rule: {
  readonly abi: number
  readonly access: PathAccess
  readonly isFolder: boolean
  readonly fd: number
}): Uint8Array {
  const known = RIGHTS[rule.access] & handledRights(rule.abi)
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64LE(BigInt(rule.isFolder ? known : known & FILE_RIGHTS), 0)
  bytes.writeInt32LE(rule.fd, 8)
  return bytes
}

/** struct landlock_net_port_attr: connections by TCP to `port`. */
export function connectPortAttr(port: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(BigInt(CONNECT_TCP), 0)
  bytes.writeBigUInt64LE(BigInt(port), 8)
  return bytes
}

function handledRights(abi: number): number {
  let rights = FIRST_RIGHTS
  if (abi >= 2) rights |= REFER
  if (abi >= 3) rights |= TRUNCATE
  if (abi >= 5) rights |= IOCTL_DEV
  return rights
}

// What a program still needs of the machine once it runs, said before it starts: the sandbox is cut to it.

export type SandboxNeeds = {
  /** Files and folders it reads; those that are not there are left out. */
  readonly read: readonly string[]
  /**
   * Files it reads again while it runs, by when another one may have been moved to the name, or its symbolic link may
   * point elsewhere: the folders on the way are read, for a right to a file ends with the file.
   */
  readonly reread?: readonly string[]
  /** Files and folders it reads and writes. A folder that is not there is made, so that it can be named to the kernel. */
  readonly write: readonly string[]
  /** Ports it connects to by TCP; 'any' when peers may name theirs. UDP is not limited. */
  readonly connect: readonly number[] | 'any'
  /** Character devices it reads, writes and controls. */
  readonly devices?: readonly string[]
  /** Paths of UNIX sockets it listens on: it may make sockets in their folders, and take files away there. */
  readonly sockets?: readonly string[]
  /** Whether it sets up network devices and routes (CAP_NET_ADMIN). */
  readonly networkAdmin?: boolean
  /** Megabytes of each half of V8's young generation, of which it takes up to 32 otherwise, and mostly for nothing. */
  readonly youngMegabytes?: number
}

export const NO_NEEDS: SandboxNeeds = { read: [], write: [], connect: [] }

export function joinNeeds(...parts: readonly SandboxNeeds[]): SandboxNeeds {
  const young = parts.flatMap(({ youngMegabytes = [] }) => youngMegabytes)
  return {
    read: parts.flatMap((part) => part.read),
    reread: parts.flatMap(({ reread = [] }) => reread),
    write: parts.flatMap((part) => part.write),
    connect: parts.some((part) => part.connect === 'any')
      ? 'any'
      : parts.flatMap((part) => (part.connect === 'any' ? [] : part.connect)),
    devices: parts.flatMap(({ devices = [] }) => devices),
    sockets: parts.flatMap(({ sockets = [] }) => sockets),
    networkAdmin: parts.some((part) => part.networkAdmin === true),
    ...(young.length > 0 && { youngMegabytes: Math.max(...young) }),
  }
}

/** What any Node process reads of a Linux system: its libraries, how names are looked up, and about itself. */
export const SYSTEM_READ: readonly string[] = [
  '/usr/lib',
  '/usr/lib64',
  '/usr/share/zoneinfo',
  '/usr/share/ca-certificates',
  '/lib',
  '/lib64',
  '/etc/ld.so.cache',
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/host.conf',
  '/etc/nsswitch.conf',
  '/etc/gai.conf',
  '/etc/services',
  '/etc/localtime',
  '/etc/ssl',
  '/run/systemd/resolve',
  '/proc/self',
  '/proc/meminfo',
  '/proc/cpuinfo',
  '/proc/stat',
  '/proc/sys',
  '/sys/devices/system/cpu',
  '/sys/fs/cgroup',
  '/dev/urandom',
  '/dev/random',
]

export const SYSTEM_WRITE: readonly string[] = ['/dev/null']

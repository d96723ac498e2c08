// Which system calls a sealed Node process may still make, and their numbers (Linux, x64 and arm64). The list is what
// strace saw of Node, V8, libuv and glibc at work with sockets, files, timers, TLS and threads; nothing makes a process,
// looks into another one, mounts, loads or traces.

export type Machine = 'x64' | 'arm64'

/** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64. */
export const AUDIT_ARCH: { readonly [machine in Machine]: number } = {
  x64: 0xc000_003e,
  arm64: 0xc000_00b7,
}

/** `undefined` where the machine has no such call. */
type Numbers = readonly [x64: number | undefined, arm64: number | undefined]

/** Allowed whatever the arguments. */
const PLAIN: { readonly [name: string]: Numbers } = {
  // Files; which ones is Landlock's business.
  read: [0, 63],
  write: [1, 64],
  open: [2, undefined],
  close: [3, 57],
  stat: [4, undefined],
  fstat: [5, 80],
  lstat: [6, undefined],
  lseek: [8, 62],
  pread64: [17, 67],
  pwrite64: [18, 68],
  readv: [19, 65],
  writev: [20, 66],
  preadv: [295, 69],
  pwritev: [296, 70],
  access: [21, undefined],
  dup: [32, 23],
  dup2: [33, undefined],
  dup3: [292, 24],
  fcntl: [72, 25],
  flock: [73, 32],
  fsync: [74, 82],
  fdatasync: [75, 83],
  truncate: [76, 45],
  ftruncate: [77, 46],
  fallocate: [285, 47],
  getcwd: [79, 17],
  rename: [82, undefined],
  renameat: [264, 38],
  renameat2: [316, 276],
  mkdir: [83, undefined],
  mkdirat: [258, 34],
  rmdir: [84, undefined],
  link: [86, undefined],
  linkat: [265, 37],
  unlink: [87, undefined],
  unlinkat: [263, 35],
  readlink: [89, undefined],
  readlinkat: [267, 78],
  chmod: [90, undefined],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  umask: [95, 166],
  utimensat: [280, 88],
  getdents64: [217, 61],
  openat: [257, 56],
  newfstatat: [262, 79],
  faccessat: [269, 48],
  faccessat2: [439, 439],
  statx: [332, 291],
  statfs: [137, 43],
  fstatfs: [138, 44],
  copy_file_range: [326, 285],
  sendfile: [40, 71],
  close_range: [436, 436],
  // Sockets that are open, and new ones to talk from; `listen` is not here.
  connect: [42, 203],
  bind: [49, 200],
  accept4: [288, 242],
  accept: [43, 202],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  sendmmsg: [307, 269],
  recvmmsg: [299, 243],
  shutdown: [48, 210],
  getsockname: [51, 204],
  getpeername: [52, 205],
  setsockopt: [54, 208],
  getsockopt: [55, 209],
  // Waiting.
  poll: [7, undefined],
  ppoll: [271, 73],
  select: [23, undefined],
  pselect6: [270, 72],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_wait: [232, undefined],
  epoll_pwait: [281, 22],
  epoll_pwait2: [441, 441],
  eventfd2: [290, 19],
  pipe2: [293, 59],
  futex: [202, 98],
  nanosleep: [35, 101],
  clock_nanosleep: [230, 115],
  restart_syscall: [219, 128],
  // Memory; V8 compiles at run time.
  mmap: [9, 222],
  mprotect: [10, 226],
  munmap: [11, 215],
  brk: [12, 214],
  mremap: [25, 216],
  madvise: [28, 233],
  membarrier: [324, 283],
  pkey_mprotect: [329, 288],
  pkey_alloc: [330, 289],
  pkey_free: [331, 290],
  // Threads and signals of this process.
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  rt_sigreturn: [15, 139],
  sigaltstack: [131, 132],
  sched_yield: [24, 124],
  sched_getaffinity: [204, 123],
  sched_getparam: [143, 121],
  sched_getscheduler: [145, 120],
  sched_get_priority_max: [146, 125],
  sched_get_priority_min: [147, 126],
  set_robust_list: [273, 99],
  set_tid_address: [218, 96],
  rseq: [334, 293],
  exit: [60, 93],
  exit_group: [231, 94],
  // Who and when.
  getpid: [39, 172],
  gettid: [186, 178],
  getppid: [110, 173],
  getuid: [102, 174],
  geteuid: [107, 175],
  getgid: [104, 176],
  getegid: [108, 177],
  uname: [63, 160],
  sysinfo: [99, 179],
  times: [100, 153],
  getrusage: [98, 165],
  getrlimit: [97, 163],
  gettimeofday: [96, 169],
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  getcpu: [309, 168],
  getrandom: [318, 278],
}

const CLONE_THREAD = 0x0001_0000
const PR_SET_NAME = 15
const PR_SET_VMA = 0x5356_4d41
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c
const AF = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 } as const

/** What one argument (its low 32 bits) must be; other values get EPERM. */
export type ArgumentRule = { readonly argument: number } & (
  | { readonly oneOf: readonly number[] }
  | { readonly noneOf: readonly number[] }
  | { readonly allBits: number }
)

/** Allowed where an argument says the harmless thing. */
function conditional(pid: number): { readonly [name: string]: readonly [Numbers, ArgumentRule] } {
  return {
    clone: [[56, 220], { argument: 0, allBits: CLONE_THREAD }],
    // AF_NETLINK is how glibc learns which addresses the machine has.
    socket: [[41, 198], { argument: 0, oneOf: Object.values(AF) }],
    prctl: [[157, 167], { argument: 0, oneOf: [PR_SET_NAME, PR_SET_VMA] }],
    // Typing into a terminal is a way out of a process.
    ioctl: [[16, 29], { argument: 1, noneOf: [TIOCSTI, TIOCLINUX] }],
    kill: [[62, 129], { argument: 0, oneOf: [pid] }],
    tgkill: [[234, 131], { argument: 0, oneOf: [pid] }],
    // Reading a limit hands over no new one.
    prlimit64: [[302, 261], { argument: 2, oneOf: [0] }],
  }
}

/** Calls that only something gone wrong makes: the process ends at once. */
const FATAL: { readonly [name: string]: Numbers } = {
  execve: [59, 221],
  execveat: [322, 281],
  fork: [57, undefined],
  vfork: [58, undefined],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  setns: [308, 268],
  unshare: [272, 97],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  keyctl: [250, 219],
  add_key: [248, 217],
  setuid: [105, 146],
  setgid: [106, 144],
  setresuid: [117, 147],
  setresgid: [119, 149],
  memfd_create: [319, 279],
}

/** `clone3` hides its flags in memory, where no filter sees them: glibc takes `clone` when there is none. */
const ABSENT: { readonly [name: string]: Numbers } = {
  clone3: [435, 435],
  io_uring_setup: [425, 425],
}

export type SyscallPolicy = {
  readonly machine: Machine
  readonly allowed: readonly number[]
  readonly conditional: readonly (ArgumentRule & { readonly number: number })[]
  readonly fatal: readonly number[]
  /** Answered ENOSYS, as on a kernel that has no such call. */
  readonly absent: readonly number[]
}

/** `pid` is the process that is sealed: signals go to itself alone. */
export function syscallPolicy(machine: Machine, pid: number): SyscallPolicy {
  const at = machine === 'x64' ? 0 : 1
  const numbers = (table: { readonly [name: string]: Numbers }): readonly number[] =>
    Object.values(table).flatMap((each) => each[at] ?? [])
  return {
    machine,
    allowed: numbers(PLAIN),
    conditional: Object.values(conditional(pid)).map(([each, rule]) => ({
      ...rule,
      number: each[at]!,
    })),
    fatal: numbers(FATAL),
    absent: numbers(ABSENT),
  }
}

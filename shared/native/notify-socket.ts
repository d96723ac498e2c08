// sd_notify(3): one datagram to systemd's socket. Node has no datagram sockets of the UNIX family, so this asks libc.

const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 0o2000002
const MSG_NOSIGNAL = 0x4000
/** sizeof(sun_path) on Linux; a path is closed by a NUL inside it. */
const PATH_LIMIT_BYTES = 108

/** Sends e.g. `READY=1`; false when nobody took it, an exception when there is no FFI. `path` is NOTIFY_SOCKET: a file, or `@name` for an abstract one. */
export async function sendToNotifySocket(path: string, state: string): Promise<boolean> {
  // Only here: FFI is refused under --permission, and announces itself as experimental when it is loaded.
  const { dlopen, getRawPointer } = await import('node:ffi')
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  if (name.length === 0 || name.length >= PATH_LIMIT_BYTES) return false
  // struct sockaddr_un: family in host order (little endian on all Node supports here), then the path.
  const address = Buffer.alloc(2 + name.length + (path.startsWith('@') ? 0 : 1))
  address.writeUInt16LE(AF_UNIX, 0)
  address.set(name, 2)
  const message = Buffer.from(state)
  const { lib, functions: libc } = dlopen(null, LIBC)
  try {
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
    if (fd < 0) return false
    const sent = libc.sendto(
      fd,
      getRawPointer(message),
      BigInt(message.length),
      MSG_NOSIGNAL,
      getRawPointer(address),
      address.length,
    )
    libc.close(fd)
    return sent === BigInt(message.length)
  } finally {
    lib.close()
  }
}

const LIBC = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
} as const

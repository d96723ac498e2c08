// Node's foreign function interface, on the machines whose numbers and structs we know.
import type * as Ffi from 'node:ffi'

/** Undefined where FFI is refused (`--permission` without `--allow-ffi`), or this is no Linux on x64 or arm64. */
export async function openFfi(): Promise<typeof Ffi | undefined> {
  if (process.platform !== 'linux' || !MACHINES.has(process.arch)) return undefined
  try {
    return await import('node:ffi')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (REFUSALS.has(code)) return undefined
    throw cause
  }
}

const MACHINES: ReadonlySet<string> = new Set(['x64', 'arm64'])
const REFUSALS: ReadonlySet<string> = new Set(['ERR_ACCESS_DENIED', 'ERR_UNKNOWN_BUILTIN_MODULE'])

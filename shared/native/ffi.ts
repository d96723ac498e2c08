// Node's foreign function interface, on the machines whose numbers and structs we know.
import type * as Ffi from 'node:ffi'
import { isPermitted } from './permission.ts'

/** Undefined where FFI is refused (`--permission` without `--allow-ffi`), or this is no Linux on x64 or arm64. */
export async function openFfi(): Promise<typeof Ffi | undefined> {
  // Asked first: the module loads without the permission, and refuses its first call.
  if (process.platform !== 'linux' || !MACHINES.has(process.arch) || !isPermitted('ffi'))
    return undefined
  try {
    return await import('node:ffi')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_UNKNOWN_BUILTIN_MODULE')
      return undefined
    throw cause
  }
}

const MACHINES: ReadonlySet<string> = new Set(['x64', 'arm64'])

// Node's own permission flags for what a program needs (nodejs.org: Permissions), from the first instruction on.

/** Paths must be absolute. Native code is allowed: Landlock and seccomp hold it, this model does not. */
export function permissionFlags(paths: {
  readonly read: readonly string[]
  readonly write: readonly string[]
}): readonly string[] {
  const read = [...paths.read, ...paths.write]
  return [
    '--permission',
    '--allow-net',
    '--allow-worker',
    '--allow-ffi',
    ...[...new Set(read)].map((path) => `--allow-fs-read=${path}`),
    ...[...new Set(paths.write)].map((path) => `--allow-fs-write=${path}`),
  ]
}

/** No debugger by signal, no code from text; and no word about FFI being young and the model's own limits. */
export const HARDENING_FLAGS: readonly string[] = [
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=SecurityWarning',
]

/** As NODE_OPTIONS has them: a single executable takes its flags from there. */
export function asNodeOptions(flags: readonly string[]): string {
  return flags.map((flag) => `"${flag.replaceAll(/["\\]/g, '\\$&')}"`).join(' ')
}

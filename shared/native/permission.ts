// What Node's own permission model leaves to this process (nodejs.org: Permissions). Node's types know no permissions.

const { permission } = process as {
  permission?: { has(scope: string, reference?: string): boolean }
}

/** True without `--permission`, or where its `--allow-…` flag was given. */
export function isPermitted(scope: 'ffi' | 'worker'): boolean {
  return permission === undefined || permission.has(scope)
}

/** Whether `path` may be looked at: Node throws where it may not, also for a file that is not there. */
export function isReadPermitted(path: string): boolean {
  return permission === undefined || permission.has('fs.read', path)
}

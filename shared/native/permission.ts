// What Node's own permission model leaves to this process (nodejs.org: Permissions). Node's types know no permissions.

/** True without `--permission`, or where its `--allow-…` flag was given. */
export function isPermitted(scope: 'ffi' | 'worker'): boolean {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  return permission === undefined || permission.has(scope)
}

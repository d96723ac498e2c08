// The second half of the sandbox: once everything is open, every thread is held to the system calls it still needs.
import { openLinux } from '../native/linux.ts'
import type { Confinement } from './confine.ts'
import { seccompFilter } from './seccomp-filter.ts'
import { syscallPolicy } from './syscalls.ts'

/** What holds the process from now on. Does nothing where the sandbox is off, or was refused before. */
export async function seal(confinement: Confinement): Promise<Confinement> {
  if (!confinement.isEnabled) return confinement
  const linux = await openLinux()
  // Why there is none was said by `confine`.
  if (linux === undefined) return confinement
  const policy = syscallPolicy(linux.machine, process.pid)
  const failed = linux.noNewPrivileges() ?? linux.seccomp(seccompFilter(policy))
  const count = policy.allowed.length + policy.conditional.length
  const { held, missing } = confinement
  return failed === undefined
    ? { ...confinement, held: [...held, `seccomp, ${count} calls`] }
    : { ...confinement, missing: [...missing, `seccomp (${failed.call}, errno ${failed.errno})`] }
}

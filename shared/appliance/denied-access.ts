// What Node's permission model refused, as a sentence for the person who chose the flags.
import { Fatal } from '../result/result.ts'

/** undefined when `error` is something else. */
export function deniedAccess(error: unknown): Fatal | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, permission, resource, message } = error as NodeDenial
  if (code !== 'ERR_ACCESS_DENIED') return undefined
  const [action, flag] = FILE_FLAGS[permission ?? ''] ?? []
  const sentence =
    action === undefined || resource === undefined
      ? message
      : `may not ${action} ${resource}; give ${flag} with it, or with a folder above it that is there`
  return new Fatal(`Node runs with --permission: ${sentence}`, { cause: error })
}

/** Node fills in the last two where it knows them. */
type NodeDenial = Error & {
  readonly code?: string
  readonly permission?: string
  readonly resource?: string
}

const FILE_FLAGS: { readonly [permission: string]: readonly [action: string, flag: string] } = {
  FileSystemRead: ['read', '--allow-fs-read'],
  FileSystemWrite: ['write', '--allow-fs-write'],
}

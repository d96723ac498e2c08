// What a client prefers of an answer (RFC 7240, RFC 8144), and Microsoft's older `Brief`, which Apple's clients send.
import type { DavRequest, Reply } from '../request.ts'

export type Preference = 'minimal' | 'representation'

export function preferredReturn(request: DavRequest): Preference | undefined {
  const [, value] =
    /(?:^|[,;\s])return\s*=\s*"?(minimal|representation)\b/i.exec(request.header('prefer') ?? '') ??
    []
  if (value !== undefined) return value.toLowerCase() as Preference
  return request.header('brief')?.trim().toLowerCase() === 't' ? 'minimal' : undefined
}

export function isMinimal(request: DavRequest): boolean {
  return preferredReturn(request) === 'minimal'
}

export function preferenceHeaders(isMinimalApplied: boolean): Reply['headers'] {
  return isMinimalApplied
    ? { 'preference-applied': 'return=minimal', vary: 'Brief,Prefer' }
    : { vary: 'Brief,Prefer' }
}

// URLs of what is here, as answers give them.
import type { View } from '../view.ts'
import { formatHref, type DavPath } from '../xml/path.ts'

export function hrefOf(path: DavPath, isCollection: boolean, { base }: Pick<View, 'base'>): string {
  return formatHref(path, isCollection, base)
}

export function principalHref(name: string, { base }: Pick<View, 'base'>): string {
  return formatHref(['principals', name], true, base)
}

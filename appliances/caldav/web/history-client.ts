// What the page asks of the history: who changed what in a calendar or an address book, and the way back.
import { accepted, BASE, send } from './dav-client.ts'

export type Stamp = { readonly commit: string; readonly author: string; readonly seconds: number }

export type ObjectChange = {
  readonly kind: 'added' | 'changed' | 'removed'
  readonly name: string
  readonly title: string
  readonly what: readonly string[]
}

export type Version = Stamp &
  Omit<ObjectChange, 'name'> & {
    readonly shows: readonly (readonly [name: string, value: string])[]
    /** Where it was not removed. */
    readonly blob?: string
  }

export type CollectionChange = Stamp & {
  readonly count: number
  readonly changes: readonly ObjectChange[]
  readonly isSettings: boolean
}

/** `version` is the last state that had it. */
export type Deleted = Stamp & {
  readonly name: string
  readonly title: string
  readonly version: string
}

/** `more` is empty when there is nothing more. */
export type Page<T> = { readonly items: readonly T[]; readonly more: string }

/** What a return to an earlier state would change. */
export type Preview = {
  readonly version: string
  readonly seconds: number
  /** Of the collection as it is now. */
  readonly tree?: string
  /** `3 back, 1 taken away` */
  readonly counts: string
  readonly count: number
  readonly changes: readonly ObjectChange[]
}

export async function versionsOf(href: string, more: string): Promise<Page<Version>> {
  return await asked(href, { more })
}

export async function changesIn(href: string, more: string): Promise<Page<CollectionChange>> {
  return await asked(href, { more })
}

/** Objects of a collection, or collections of a home. */
export async function deletedIn(href: string, more: string): Promise<Page<Deleted>> {
  return await asked(href, { list: 'deleted', more })
}

export async function previewOf(
  href: string,
  state: { readonly version: string } | { readonly to: string },
): Promise<Preview> {
  return await asked(href, state)
}

/** `condition`: of what is there now, as of a PUT. */
export async function restore(
  href: string,
  wish: { readonly version: string; readonly tree?: string },
  condition: { readonly [name: string]: string } = {},
): Promise<void> {
  const headers = { 'content-type': 'application/json', ...condition }
  await accepted(await send('POST', historyOf(href), headers, JSON.stringify(wish)))
}

async function asked<T>(href: string, query: { readonly [key: string]: string }): Promise<T> {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const search = new URLSearchParams(given).toString()
  const answer = await accepted(await send('GET', `${historyOf(href)}?${search}`))
  return (await answer.json()) as T
}

function historyOf(href: string): string {
  return `${BASE}-/history/${href.slice(BASE.length)}`
}

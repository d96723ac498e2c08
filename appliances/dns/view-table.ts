// The [[view]] tables of the configuration: who sees other zones than everybody.
import {
  checked,
  list,
  object,
  parsed,
  prefix,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { DEFAULT_VIEW_WORD } from './keys-table.ts'
import type { ViewSettings } from './core/views.ts'

/** Each looks at its prefixes in turn for every query. */
const VIEWS_LIMIT = 64

/** It is the name of a folder. */
const viewName = parsed('a name of letters, digits, "-" and "_"', (text) =>
  /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/.test(text) ? text : undefined,
)

export const viewTable: Decoder<readonly ViewSettings[]> = withDefault(
  checked(
    list(
      checked(object({ name: viewName, clients: list(prefix) }), ({ name, clients }, at) => {
        if (name === DEFAULT_VIEW_WORD)
          at.report(`"${name}" is the view of all who are in no other: it needs no table`)
        if (clients.length === 0) at.report('Expected at least one prefix in clients')
      }),
    ),
    (views, at) => {
      if (views.length > VIEWS_LIMIT) at.report(`Expected at most ${VIEWS_LIMIT} views`)
      const seen = new Set<string>()
      views.forEach(({ name }, i) => {
        if (seen.has(name)) at.inside(i).report('This view is there twice')
        seen.add(name)
      })
    },
  ),
  [],
)

/** Names of views in other tables, by the words on the way to each. */
export type ViewMention = {
  readonly at: readonly (string | number)[]
  readonly view?: string | undefined
}

/** The mentions of what is no view. */
export function unknownViews(
  mentions: readonly ViewMention[],
  views: readonly ViewSettings[],
): readonly { readonly at: readonly (string | number)[]; readonly why: string }[] {
  const names = new Set([DEFAULT_VIEW_WORD, ...views.map(({ name }) => name)])
  return mentions.flatMap(({ at, view }) =>
    view === undefined || names.has(view) ? [] : [{ at, why: `There is no view "${view}"` }],
  )
}

// The [[catalog]] tables of the configuration: lists of our zones, for secondaries that follow them by themselves.
import {
  checked,
  list,
  object,
  parsed,
  record,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { canonicalName, parseName, ROOT, type Name } from '../../shared/dns/name.ts'
import { DEFAULT_VIEW_WORD } from './keys-table.ts'

export type CatalogConfig = {
  readonly zone: Name
  /** Whose zones it lists, and who sees it; `DEFAULT_VIEW_WORD` where it is not said. */
  readonly view: string
  /** Members are our zones at or below these. */
  readonly zones: readonly Name[]
  /** By group: the members, at or below these, that are in it. */
  readonly groups: { readonly [group: string]: readonly Name[] }
}

/** So that the longest name in it, `group.<32 digits>.zones.<catalog>`, is one. */
const NAME_LIMIT_OCTETS = 255 - 6 - 33 - 6
/** Of a TXT string. */
const GROUP_LIMIT_OCTETS = 255

const domainName: Decoder<Name> = parsed('a domain name', (text) => {
  const name = parseName(text, ROOT)
  return name.ok ? canonicalName(name.value) : undefined
})

const catalogName = parsed(`a domain name of at most ${NAME_LIMIT_OCTETS} octets`, (text) => {
  const name = parseName(text, ROOT)
  const isFit = name.ok && name.value !== ROOT && name.value.length <= NAME_LIMIT_OCTETS
  return isFit ? canonicalName(name.value) : undefined
})

const groupsTable = checked(record(list(domainName)), (groups, at) => {
  for (const name of Object.keys(groups))
    if (name === '' || Buffer.byteLength(name) > GROUP_LIMIT_OCTETS)
      at.inside(name).report(`Expected a group of 1 to ${GROUP_LIMIT_OCTETS} octets`)
})

export const catalogTable: Decoder<readonly CatalogConfig[]> = withDefault(
  checked(
    list(
      object({
        zone: catalogName,
        view: withDefault(string, DEFAULT_VIEW_WORD),
        zones: withDefault(list(domainName), [ROOT]),
        groups: withDefault(groupsTable, {}),
      }),
    ),
    (catalogs, at) => {
      const seen = new Set<string>()
      catalogs.forEach(({ zone, view }, i) => {
        const key = `${view} ${zone}`
        if (seen.has(key)) at.inside(i).report('This catalog is there twice')
        seen.add(key)
      })
    },
  ),
  [],
)

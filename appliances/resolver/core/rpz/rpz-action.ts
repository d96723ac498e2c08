// What a rule of a response policy zone does (draft-vixie-dnsop-dns-rpz, section 3): said by the target of its CNAME, or by records
// that are answered instead.
import { formatName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'

export type RpzAction =
  | { readonly kind: 'nxdomain' | 'nodata' | 'passthru' | 'drop' | 'tcp-only' }
  /** The name is another one; with `isWildcard` what was asked is put before it. */
  | {
      readonly kind: 'alias'
      readonly target: Name
      readonly isWildcard: boolean
      readonly ttlSeconds: number
    }
  | { readonly kind: 'data'; readonly sets: readonly RpzData[] }

export type RpzData = {
  readonly type: number
  readonly ttlSeconds: number
  readonly rdatas: readonly Uint8Array[]
}

const STAR_LENGTH = 2

/** Of a record; `trigger` is the owner without the name of the zone. */
export function actionOf(
  trigger: Name,
  type: number,
  ttlSeconds: number,
  rdata: Uint8Array,
): Result<RpzAction, string> {
  if (type !== TYPE.CNAME)
    return ok({ kind: 'data', sets: [{ type, ttlSeconds, rdatas: [rdata] }] })
  const target = Buffer.from(rdata).toString('latin1').toLowerCase() as Name
  if (target === ROOT) return ok({ kind: 'nxdomain' })
  const kind = KINDS[formatName(target)]
  if (kind !== undefined) return ok({ kind })
  // As zones were written before there was a word for it.
  if (target === trigger) return ok({ kind: 'passthru' })
  if (/(?:^|\.)rpz-[^.]*\.$/.test(formatName(target)))
    return err(`Is no action: ${formatName(target)}`)
  const isWildcard = target.startsWith('\x01*')
  return ok({
    kind: 'alias',
    target: isWildcard ? (target.slice(STAR_LENGTH) as Name) : target,
    isWildcard,
    ttlSeconds,
  })
}

/** With one more record of the same owner: data is added, of two CNAMEs the first one counts. */
export function joinedAction(before: RpzAction, more: RpzAction): RpzAction {
  if (before.kind !== 'data' || more.kind !== 'data') return before
  const [added] = more.sets
  const old = before.sets.find(({ type }) => type === added!.type)
  if (old === undefined) return { kind: 'data', sets: [...before.sets, added!] }
  const joined = { ...old, rdatas: [...old.rdatas, ...added!.rdatas] }
  return { kind: 'data', sets: before.sets.map((set) => (set === old ? joined : set)) }
}

const KINDS: { readonly [target: string]: 'nodata' | 'passthru' | 'drop' | 'tcp-only' } = {
  '*.': 'nodata',
  'rpz-passthru.': 'passthru',
  'rpz-drop.': 'drop',
  'rpz-tcp-only.': 'tcp-only',
}

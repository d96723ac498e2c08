// Tables of nftables as the kernel is told of them: messages of netlink (netlink(7), linux/netfilter/nf_tables.h), those of
// one change as a batch that holds as a whole or not at all. Little-endian machines; attributes are big-endian.
import type { NftChain, NftMatch, NftRule, NftTable } from './nft-table.ts'

/** Nothing is acknowledged: the kernel answers faults alone. Makes the table, or puts it in the place of one with its name. */
export function replaceTable(table: NftTable): Uint8Array {
  const name = textAttribute(TABLE.name, table.name)
  const note = table.note === undefined ? [] : [attribute(TABLE.userData, [commentOf(table.note)])]
  const messages = [
    message(MESSAGE.newTable, FLAG.create, [name]),
    message(MESSAGE.deleteTable, 0, [name]),
    message(MESSAGE.newTable, FLAG.create, [name, ...note]),
  ]
  for (const chain of table.chains) {
    messages.push(message(MESSAGE.newChain, FLAG.create, chainAttributes(table, chain)))
    for (const rule of chain.rules) {
      const attributes = ruleAttributes(table, chain, rule)
      messages.push(message(MESSAGE.newRule, FLAG.create | FLAG.append, attributes))
    }
  }
  return batch(messages)
}

/** The kernel answers ENOENT when there is none. */
export function removeTable(name: string): Uint8Array {
  return batch([message(MESSAGE.deleteTable, 0, [textAttribute(TABLE.name, name)])])
}

/** Answered with every table of the family, without their chains. */
export function askTables(): Uint8Array {
  return message(MESSAGE.getTable, FLAG.dump, [])
}

/** Name and note of each table that is told of among what the kernel answered to `askTables`. */
export function tablesIn(
  answers: readonly Uint8Array[],
): readonly { readonly name: string; readonly note: string | undefined }[] {
  return answers.flatMap((answer) => {
    const view = Buffer.from(answer.buffer, answer.byteOffset, answer.length)
    if (view.length < BODY_AT || view.readUInt16LE(4) !== SUBSYSTEM + MESSAGE.newTable) return []
    const attributes = view.subarray(BODY_AT)
    const name = attributeIn(attributes, TABLE.name)
    const data = attributeIn(attributes, TABLE.userData)
    return name === undefined
      ? []
      : [{ name: name.toString('latin1', 0, name.length - 1), note: data && noteOf(data) }]
  })
}

function noteOf(data: Buffer): string | undefined {
  const length = data[1] ?? 0
  const isNote = data[0] === COMMENT && length > 0 && length <= data.length - 2
  return isNote ? data.toString('latin1', 2, 1 + length) : undefined
}

function batch(messages: readonly Uint8Array[]): Uint8Array {
  const mark = (type: number): Uint8Array =>
    headed(type, FLAG.request, Uint8Array.of(0, 0, 0, SUBSYSTEM >>> 8))
  const all = [mark(BATCH.begin), ...messages, mark(BATCH.end)]
  return new Uint8Array(Buffer.concat(all))
}

function message(type: number, flags: number, attributes: readonly Uint8Array[]): Uint8Array {
  const body = [Uint8Array.of(FAMILY_INET, 0, 0, 0), ...attributes]
  return headed(SUBSYSTEM + type, FLAG.request | flags, Buffer.concat(body))
}

/** struct nlmsghdr. */
function headed(type: number, flags: number, body: Uint8Array): Uint8Array {
  const octets = Buffer.alloc(HEADER_OCTETS + body.length)
  octets.writeUInt32LE(octets.length, 0)
  octets.writeUInt16LE(type, 4)
  octets.writeUInt16LE(flags, 6)
  octets.set(body, HEADER_OCTETS)
  return octets
}

function chainAttributes(table: NftTable, chain: NftChain): readonly Uint8Array[] {
  return [
    textAttribute(CHAIN.table, table.name),
    textAttribute(CHAIN.name, chain.name),
    attribute(CHAIN.hook, [
      numberAttribute(HOOK.number, HOOKS[chain.hook]),
      numberAttribute(HOOK.priority, chain.priority),
    ]),
    numberAttribute(CHAIN.policy, VERDICTS.accept),
    textAttribute(CHAIN.type, chain.type),
  ]
}

function ruleAttributes(table: NftTable, chain: NftChain, rule: NftRule): readonly Uint8Array[] {
  const expressions = [...rule.matches.flatMap(matchOf), verdictOf(rule.verdict)]
  return [
    textAttribute(RULE.table, table.name),
    textAttribute(RULE.chain, chain.name),
    attribute(
      RULE.expressions,
      expressions.map((each) => attribute(LIST_ELEMENT, [each])),
    ),
  ]
}

function matchOf(match: NftMatch): readonly Uint8Array[] {
  if (match.kind === 'device') {
    const name = Buffer.alloc(DEVICE_NAME_OCTETS)
    name.write(match.name, 'latin1')
    const key = match.way === 'in' ? META.deviceIn : META.deviceOut
    return [meta(key), compare(match.isNot === true ? 'differs' : 'equals', name)]
  }
  if (match.kind === 'port') {
    const port = Uint8Array.of(match.port >>> 8, match.port)
    const protocol = Uint8Array.of(PROTOCOLS[match.transport])
    return [meta(META.protocol), compare('equals', protocol), ...payload(TRANSPORT, 2, port)]
  }
  const { octets, bits } = match.network
  const isIpv4 = octets.length === 4
  const family = Uint8Array.of(isIpv4 ? FAMILY_IPV4 : FAMILY_IPV6)
  const first = isIpv4 ? 12 : 8
  const at = match.end === 'source' ? first : first + octets.length
  return [meta(META.family), compare('equals', family), ...payload(NETWORK, at, octets, bits)]
}

/** The first `bits` of what stands at an offset of a header. */
function payload(
  base: number,
  at: number,
  value: Uint8Array,
  bits: number = 8 * value.length,
): readonly Uint8Array[] {
  const octets = value.length
  const load = expression('payload', [
    numberAttribute(1, REGISTER),
    numberAttribute(2, base),
    numberAttribute(3, at),
    numberAttribute(4, octets),
  ])
  if (bits === 8 * octets) return [load, compare('equals', value)]
  const mask = Uint8Array.from({ length: octets }, (_, i) => {
    const left = Math.min(8, Math.max(0, bits - 8 * i))
    return (0xff00 >>> left) & 0xff
  })
  const masked = expression('bitwise', [
    numberAttribute(1, REGISTER),
    numberAttribute(2, REGISTER),
    numberAttribute(3, octets),
    attribute(4, [attribute(DATA.value, [mask])]),
    attribute(5, [attribute(DATA.value, [new Uint8Array(octets)])]),
  ])
  return [load, masked, compare('equals', value)]
}

function meta(key: number): Uint8Array {
  return expression('meta', [numberAttribute(1, REGISTER), numberAttribute(2, key)])
}

function compare(how: 'equals' | 'differs', value: Uint8Array): Uint8Array {
  return expression('cmp', [
    numberAttribute(1, REGISTER),
    numberAttribute(2, how === 'equals' ? 0 : 1),
    attribute(3, [attribute(DATA.value, [value])]),
  ])
}

function verdictOf(verdict: NftRule['verdict']): Uint8Array {
  if (verdict === 'masquerade') return expression('masq', [])
  const code = numberAttribute(1, VERDICTS[verdict])
  return expression('immediate', [
    numberAttribute(1, VERDICT_REGISTER),
    attribute(2, [attribute(DATA.verdict, [code])]),
  ])
}

function expression(name: string, attributes: readonly Uint8Array[]): Uint8Array {
  const named = textAttribute(EXPRESSION.name, name)
  return Buffer.concat([named, attribute(EXPRESSION.data, attributes)])
}

function textAttribute(type: number, text: string): Uint8Array {
  return attribute(type, [Buffer.from(`${text}\0`, 'latin1')])
}

function numberAttribute(type: number, value: number): Uint8Array {
  const octets = Buffer.alloc(4)
  octets.writeInt32BE(value)
  return attribute(type, [octets])
}

/** struct nlattr, its value filled up to a multiple of 4. */
function attribute(type: number, values: readonly Uint8Array[]): Uint8Array {
  const value = Buffer.concat(values)
  const octets = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
  octets.writeUInt16LE(4 + value.length, 0)
  octets.writeUInt16LE(type, 2)
  octets.set(value, 4)
  return octets
}

/** The value of the first attribute of a type. */
function attributeIn(octets: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 4 <= octets.length;) {
    const length = octets.readUInt16LE(at)
    if (length < 4 || at + length > octets.length) return undefined
    if ((octets.readUInt16LE(at + 2) & TYPE_MASK) === type)
      return octets.subarray(at + 4, at + length)
    at += Math.ceil(length / 4) * 4
  }
  return undefined
}

/** As nft(8) keeps comments of tables: kind, length with the NUL, text. */
function commentOf(text: string): Uint8Array {
  const value = Buffer.from(`${text}\0`, 'latin1')
  return Buffer.concat([Uint8Array.of(COMMENT, value.length), value])
}

const HEADER_OCTETS = 16
/** Behind the header and struct nfgenmsg. */
const BODY_AT = HEADER_OCTETS + 4
/** NFNL_SUBSYS_NFTABLES in its place of a type. */
const SUBSYSTEM = 10 << 8
const BATCH = { begin: 0x10, end: 0x11 } as const
const MESSAGE = { newTable: 0, getTable: 1, deleteTable: 2, newChain: 3, newRule: 6 } as const
const FLAG = { request: 1, dump: 0x300, create: 0x400, append: 0x800 } as const
const FAMILY_INET = 1
const FAMILY_IPV4 = 2
const FAMILY_IPV6 = 10
/** NFTA_*: attributes by what they belong to. */
const TABLE = { name: 1, userData: 6 } as const
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const
const HOOK = { number: 1, priority: 2 } as const
const RULE = { table: 1, chain: 2, expressions: 4 } as const
const EXPRESSION = { name: 1, data: 2 } as const
const DATA = { value: 1, verdict: 2 } as const
const LIST_ELEMENT = 1
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff
const META = { deviceIn: 6, deviceOut: 7, family: 15, protocol: 16 } as const
const NETWORK = 1
const TRANSPORT = 2
const REGISTER = 1
const VERDICT_REGISTER = 0
const VERDICTS = { drop: 0, accept: 1 } as const
const HOOKS = { forward: 2, postrouting: 4 } as const
const PROTOCOLS = { tcp: 6, udp: 17 } as const
const DEVICE_NAME_OCTETS = 16
/** NFTNL_UDATA_TABLE_COMMENT */
const COMMENT = 0

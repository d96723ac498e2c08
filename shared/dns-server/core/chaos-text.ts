// Who this server says it is, in class CH: `version.bind`, `id.server` and their other spellings (RFC 4892).
import { HEADER_OCTETS } from '../../dns/message.ts'
import type { MessageWriter } from '../../dns/message-writer.ts'
import type { Name } from '../../dns/name.ts'
import { CLASS, TYPE } from '../../dns/record-types.ts'

export type ServerTexts = { readonly version?: string; readonly identity?: string }

/** So that the longest question and NSID always fit the smallest answer. */
export const TEXT_LIMIT_OCTETS = 128

/** Undefined where there is nothing to say, which is refused. */
export function chaosText(qname: Name, texts: ServerTexts): string | undefined {
  const kind = CHAOS_NAMES[qname]
  return kind === undefined ? undefined : texts[kind]
}

/** The one record of the answer, under the name asked. */
export function writeChaosRecord(writer: MessageWriter, text: string): void {
  const bytes = Buffer.from(text)
  writer.u16(0xc000 | HEADER_OCTETS)
  writer.u16(TYPE.TXT)
  writer.u16(CLASS.CH)
  writer.u32(0)
  writer.u16(bytes.length + 1)
  writer.u8(bytes.length)
  writer.bytes(bytes)
}

const CHAOS_NAMES: { readonly [qname: string]: 'version' | 'identity' | undefined } = {
  '\x07version\x04bind\0': 'version',
  '\x07version\x06server\0': 'version',
  '\x02id\x06server\0': 'identity',
  '\x08hostname\x04bind\0': 'identity',
}

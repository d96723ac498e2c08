// The OPT record of an answer and the options in it (RFC 6891): NSID (5001), cookies (7873, 9018), TCP keepalive
// (7828), padding on encrypted transports (7830, 8467) and extended errors (8914). What a client asks with other options,
// its subnet (7871) among them, is left without an answer.
import {
  EDNS_OPTION,
  ednsTtl,
  NO_EXTENDED_ERROR,
  OPT,
  OPT_OCTETS,
  type ExtendedError,
} from '../../dns/edns.ts'
import { MESSAGE_LIMIT_OCTETS } from '../../dns/message.ts'
import type { MessageWriter } from '../../dns/message-writer.ts'
import { isEncrypted, isStream, type Client } from './client.ts'
import type { Query } from './query.ts'
import { COOKIE_OCTETS, type ServerCookies } from './server-cookies.ts'

export type CookieOptions = {
  readonly server: ServerCookies
  readonly nowSeconds: () => number
  /** A UDP client that sends a cookie that proves nothing is answered BADCOOKIE, and asks again with a good one. */
  readonly isProofRequired: boolean
}

export type EdnsOptions = {
  /** Announced to clients. */
  readonly udpLimitOctets: number
  /** Empty: clients that ask for NSID get none. */
  readonly nsid: Uint8Array
  /** Without, cookies are an option like any other that is not known. */
  readonly cookies: CookieOptions | undefined
  /** How long a TCP or TLS connection may be idle, for clients that ask; never said without. */
  readonly keepaliveMs: number | undefined
}

/** Answers are padded to a multiple of this (RFC 8467 §4.1). */
const PADDING_BLOCK_OCTETS = 468
export const OPTION_HEADER_OCTETS = 4
const KEEPALIVE_OCTETS = 2
/** What keepalive counts in. */
const KEEPALIVE_UNIT_MS = 100
const KEEPALIVE_MAXIMUM = 0xffff

/** One object for all answers: `begin` for each query. */
export class EdnsReply {
  readonly #options: EdnsOptions
  #hasNsid = false
  #hasKeepalive = false
  #hasPadding = false
  /** The client sent a COOKIE option that we answer. */
  hasCookie = false
  /** Its cookie is one of ours: the client has the address that the packet came from. */
  isProven = false
  /** The answer says back that the client knows compact denial (RFC 9824 §5.1). */
  compactOk = false
  /** To keep free at the end of the answer; an extended error comes with an empty one and needs none. */
  octets = 0

  constructor(options: EdnsOptions) {
    this.#options = options
  }

  begin(packet: Uint8Array, query: Query, client: Client): void {
    this.hasCookie = false
    this.isProven = false
    this.compactOk = false
    this.octets = 0
    if (!query.hasEdns) return
    const { nsid, cookies, keepaliveMs } = this.#options
    let octets = OPT_OCTETS
    this.#hasNsid = query.wantsNsid && nsid.length > 0
    if (this.#hasNsid) octets += OPTION_HEADER_OCTETS + nsid.length
    if (query.cookieOctets > 0 && cookies !== undefined) {
      const { cookieAt, cookieOctets } = query
      const now = cookies.nowSeconds()
      this.hasCookie = true
      this.isProven = cookies.server.check(packet, cookieAt, cookieOctets, client.octets, now)
      octets += OPTION_HEADER_OCTETS + COOKIE_OCTETS
    }
    const { transport } = client
    this.#hasKeepalive = false
    this.#hasPadding = false
    if (isStream(transport)) {
      // HTTP has connections of its own.
      this.#hasKeepalive =
        query.wantsKeepalive && keepaliveMs !== undefined && transport !== 'https'
      if (this.#hasKeepalive) octets += OPTION_HEADER_OCTETS + KEEPALIVE_OCTETS
      this.#hasPadding = query.wantsPadding && isEncrypted(transport)
      if (this.#hasPadding) octets += OPTION_HEADER_OCTETS
    }
    this.octets = octets
  }

  /** Whether the answer is BADCOOKIE and nothing else (RFC 7873 §5.2.3). */
  isProofMissing(client: Client): boolean {
    return (
      this.hasCookie &&
      !this.isProven &&
      this.#options.cookies?.isProofRequired === true &&
      !isStream(client.transport)
    )
  }

  /** Writes the record at the end of the answer. */
  write(
    writer: MessageWriter,
    query: Query,
    rcode: number,
    extendedError: number,
    /** Further ones with words; those that do not fit go without words, or are left out. */
    furtherErrors: readonly ExtendedError[] = NO_ERRORS,
  ): void {
    const { udpLimitOctets, nsid, cookies, keepaliveMs } = this.#options
    writer.u8(0)
    writer.u16(OPT)
    writer.u16(udpLimitOctets)
    const { dnssecOk } = query
    const { compactOk } = this
    writer.u32(ednsTtl({ extendedRcode: rcode >>> 4, version: 0, dnssecOk, compactOk }))
    const lengthAt = writer.at
    writer.u16(0)
    if (this.#hasNsid) writeOption(writer, EDNS_OPTION.NSID, nsid)
    if (this.hasCookie) writeOption(writer, EDNS_OPTION.COOKIE, cookies!.server.reply)
    if (this.#hasKeepalive) {
      const units = Math.min(Math.floor(keepaliveMs! / KEEPALIVE_UNIT_MS), KEEPALIVE_MAXIMUM)
      writer.u16(EDNS_OPTION.TCP_KEEPALIVE)
      writer.u16(KEEPALIVE_OCTETS)
      writer.u16(units)
    }
    if (extendedError !== NO_EXTENDED_ERROR) {
      writer.u16(EDNS_OPTION.EXTENDED_ERROR)
      writer.u16(2)
      writer.u16(extendedError)
    }
    for (const error of furtherErrors) writeExtendedError(writer, error)
    if (this.#hasPadding) writePadding(writer)
    writer.patch16(lengthAt, writer.at - lengthAt - 2)
  }
}

function writeOption(writer: MessageWriter, code: number, data: Uint8Array): void {
  writer.u16(code)
  writer.u16(data.length)
  writer.bytes(data)
}

function writeExtendedError(writer: MessageWriter, { code, text }: ExtendedError): void {
  const start = writer.at
  for (const words of [Buffer.from(text).subarray(0, EXTRA_TEXT_OCTETS), ZEROS.subarray(0, 0)]) {
    writer.u16(EDNS_OPTION.EXTENDED_ERROR)
    writer.u16(2 + words.length)
    writer.u16(code)
    writer.bytes(words)
    if (!writer.overflowed) return
    writer.rewind(start)
  }
}

/** Last of all options, so that the whole message has the length it should. */
function writePadding(writer: MessageWriter): void {
  const least = writer.at + OPTION_HEADER_OCTETS
  const blocks = Math.ceil(least / PADDING_BLOCK_OCTETS)
  const length = Math.min(blocks * PADDING_BLOCK_OCTETS, MESSAGE_LIMIT_OCTETS) - least
  writer.u16(EDNS_OPTION.PADDING)
  writer.u16(length)
  writer.bytes(ZEROS.subarray(0, length))
}

const ZEROS = new Uint8Array(PADDING_BLOCK_OCTETS)
const NO_ERRORS: readonly ExtendedError[] = []
/** Of one extended error; a person reads it, so more would not help. */
export const EXTRA_TEXT_OCTETS = 160

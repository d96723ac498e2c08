// What a manager is told of one client, and the texts that no client may use to look like something else.

export type ClientReport = {
  /** Client ID and Peer ID: with us they are one. */
  readonly id: number
  readonly commonName: string
  /** `192.0.2.1:40000`, `[2001:db8::1]:40000`. */
  readonly realAddress: string
  readonly ipv4: string
  readonly ipv6: string | undefined
  /** Networks behind it, as prefixes. */
  readonly networks: readonly string[]
  readonly user: string
  readonly cipher: string
  /** Upper-case hex. */
  readonly serial: string
  /** SHA-256 of its certificate, in hex. */
  readonly fingerprint: string
  /** Octets of the data channel. */
  readonly received: number
  readonly sent: number
  readonly sinceMs: number
  /** When something came from it last. */
  readonly seenMs: number
  readonly peerInfo: ReadonlyMap<string, string>
}

/** Seconds since 1970. */
export function secondsOf(ms: number): number {
  return Math.floor(ms / 1000)
}

/** A field of a line that managers take apart at commas or tabs. */
export function fieldText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp},]/gu, '_')
}

/** The rest of a line. */
export function lineText(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '_')
}

// Serial numbers in a certificate revocation list (RFC 5280 §5.1): to end sessions that are up. Signatures and issuers
// are TLS's to check, at every handshake.

const TAG = { integer: 0x02, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 } as const
const SERIAL_LIMIT_OCTETS = 64

/** Upper-case hex without leading zeros, as `X509Certificate.serialNumber`; undefined when this is no such list. */
export function revokedSerials(pem: string): ReadonlySet<string> | undefined {
  const base64 = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/.exec(pem)?.[1]
  if (base64 === undefined) return undefined
  const list = childrenOf(Buffer.from(base64.replaceAll(/\s/g, ''), 'base64'), TAG.sequence)
  const toBeSigned = list?.[0]
  const fields = toBeSigned && partsOf(toBeSigned.content)
  if (fields === undefined) return undefined
  // version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?
  const isTime = (tag: number): boolean => tag === TAG.utcTime || tag === TAG.generalizedTime
  const lastTime = fields.findLastIndex(({ tag }) => isTime(tag))
  const revoked = fields[lastTime + 1]
  if (lastTime < 0) return undefined
  if (revoked === undefined || revoked.tag !== TAG.sequence) return new Set()
  const serials = new Set<string>()
  for (const { content } of partsOf(revoked.content) ?? []) {
    const serial = partsOf(content)?.[0]
    if (serial === undefined || serial.tag !== TAG.integer) return undefined
    if (serial.content.length > SERIAL_LIMIT_OCTETS) return undefined
    serials.add(serialText(Buffer.from(serial.content).toString('hex')))
  }
  return serials
}

export function serialText(hex: string): string {
  return hex.replace(/^0+(?=.)/, '').toUpperCase()
}

type Part = { readonly tag: number; readonly content: Uint8Array }

function childrenOf(der: Uint8Array, tag: number): readonly Part[] | undefined {
  const [outer] = partsOf(der) ?? []
  return outer?.tag === tag ? partsOf(outer.content) : undefined
}

/** DER values one behind the other; undefined when one goes beyond the end. */
function partsOf(der: Uint8Array): readonly Part[] | undefined {
  const parts: Part[] = []
  for (let at = 0; at < der.length;) {
    const tag = der[at]!
    let length = der[at + 1] ?? 0x80
    let start = at + 2
    if (length >= 0x80) {
      const octets = length & 0x7f
      if (octets === 0 || octets > 4) return undefined
      length = 0
      for (let i = 0; i < octets; i++) length = length * 256 + (der[start + i] ?? 0)
      start += octets
    }
    if (start + length > der.length) return undefined
    parts.push({ tag, content: der.subarray(start, start + length) })
    at = start + length
  }
  return parts
}

// Who and when, as commits and tags write it: `Ada Example <ada@example.org> 1767225600 +0100`.

export type Signature = {
  readonly name: string
  readonly email: string
  readonly timeSeconds: number
  /** `+0100`; kept as written. */
  readonly zone: string
  /** The line's exact bytes (latin1) when the fields above would not give them back. */
  readonly exact?: string
}

/** `line` is latin1, one character per byte; the fields are its UTF-8. Never fails: a line git could not read is `exact`. */
export function parseSignature(line: string): Signature {
  const open = line.indexOf('<')
  const close = open < 0 ? -1 : line.indexOf('>', open)
  // As git does: the time stands behind the last bracket, whatever the address looks like.
  const time = TIME.exec(line.slice(-TIME_LIMIT_CHARACTERS))
  const signature = {
    name: text(open < 0 ? line : line.slice(0, open).replace(/ $/, '')),
    email: close < 0 ? '' : text(line.slice(open + 1, close)),
    timeSeconds: Number(time?.[1] ?? 0),
    zone: time?.[2] ?? '+0000',
  }
  return formatSignature(signature) === line ? signature : { ...signature, exact: line }
}

/** The line as latin1. What would break it (line ends, NUL, brackets in a name) is left out, so nothing can be forged. */
export function formatSignature(signature: Signature): string {
  if (signature.exact !== undefined) return signature.exact
  const { name, email, timeSeconds, zone } = signature
  return `${clean(name)} <${clean(email)}> ${timeSeconds} ${zone}`
}

function clean(value: string): string {
  return Buffer.from(value.replace(/[\n\0<>]/g, ''), 'utf8').toString('latin1')
}

function text(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

const TIME_LIMIT_CHARACTERS = 32
const TIME = /> (-?\d{1,15}) ([+-]\d{1,7})$/

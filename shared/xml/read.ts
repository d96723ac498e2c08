// XML text to a tree of elements, within bounds: the only importer of saxes. A document type is refused, so there is no
// entity but the five of XML itself and nothing to expand or fetch.
import { SaxesParser } from 'saxes'
import { err, ok, type Result } from '../result/result.ts'
import type { XmlAttribute, XmlElement } from './element.ts'

export type XmlLimits = {
  /** Elements inside each other. */
  readonly depth: number
  /** In all. */
  readonly elements: number
  /** Of one element. */
  readonly attributes: number
}

export const DEFAULT_XML_LIMITS: XmlLimits = { depth: 64, elements: 100_000, attributes: 64 }

export type XmlError = {
  readonly kind: 'malformed' | 'too-large'
  /** A sentence for the client's developer. */
  readonly message: string
}

/** UTF-8, or UTF-16 with a byte order mark, as every XML processor must read them; no other encoding. */
export function readXml(
  bytes: Uint8Array,
  limits: XmlLimits = DEFAULT_XML_LIMITS,
): Result<XmlElement, XmlError> {
  const text = decode(bytes)
  if (text === undefined)
    return err({ kind: 'malformed', message: 'Expected XML in UTF-8 or UTF-16' })
  try {
    return ok(build(text, limits))
  } catch (stop) {
    if (stop instanceof Stop) return err({ kind: stop.kind, message: stop.message })
    throw stop
  }
}

/** Leaves the parser's callbacks; never leaves this file. */
class Stop extends Error {
  readonly kind: XmlError['kind']
  constructor(kind: XmlError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

type Open = {
  readonly namespace: string
  readonly name: string
  readonly attributes: readonly XmlAttribute[]
  readonly children: (XmlElement | string)[]
  readonly language?: string
}

function build(text: string, limits: XmlLimits): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const open: Open[] = []
  let root: XmlElement | undefined
  let elements = 0
  let attributes = 0
  parser.on('error', (error) => {
    throw new Stop('malformed', error.message)
  })
  parser.on('doctype', () => {
    throw new Stop('malformed', 'A document type is not taken')
  })
  parser.on('opentagstart', () => {
    attributes = 0
    if (++elements > limits.elements)
      throw new Stop('too-large', `More than ${limits.elements} elements`)
    if (open.length >= limits.depth)
      throw new Stop('too-large', `More than ${limits.depth} elements inside each other`)
  })
  parser.on('attribute', () => {
    if (++attributes > limits.attributes)
      throw new Stop('too-large', `More than ${limits.attributes} attributes of one element`)
  })
  parser.on('opentag', (tag) => {
    const language = tag.attributes['xml:lang']?.value ?? open.at(-1)?.language
    open.push({
      namespace: tag.uri,
      name: tag.local,
      attributes: Object.values(tag.attributes).flatMap(plainAttribute),
      children: [],
      ...(language !== undefined && { language }),
    })
  })
  parser.on('closetag', () => {
    const element = open.pop()!
    const parent = open.at(-1)
    if (parent === undefined) root = element
    else parent.children.push(element)
  })
  const keep = (part: string): void => void open.at(-1)?.children.push(part)
  parser.on('text', keep)
  parser.on('cdata', keep)
  parser.write(text).close()
  if (root === undefined) throw new Stop('malformed', 'Expected an XML element')
  return root
}

/** Namespace declarations are how names were written, not what they are. */
function plainAttribute(attribute: {
  readonly uri: string
  readonly local: string
  readonly prefix: string
  readonly name: string
  readonly value: string
}): readonly XmlAttribute[] {
  if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') return []
  return [{ namespace: attribute.uri, name: attribute.local, value: attribute.value }]
}

function decode(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes
  const encoding =
    first === 0xff && second === 0xfe
      ? 'utf-16le'
      : first === 0xfe && second === 0xff
        ? 'utf-16be'
        : 'utf-8'
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
    const [, declared] = /^<\?xml[^>]{0,100}?encoding\s*=\s*["']([^"']{1,40})["']/.exec(text) ?? []
    if (declared === undefined) return text
    const known = encoding === 'utf-8' ? /^(utf-?8|us-ascii)$/i : /^utf-16/i
    return known.test(declared) ? text : undefined
  } catch {
    return undefined // Not in that encoding: as malformed as any other text.
  }
}

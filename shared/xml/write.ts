// Elements to XML text, each readable on its own wherever it is put: it declares every namespace it uses but those its
// writer says are declared around it. Pure.
import type { XmlElement } from './element.ts'

/** Namespace to prefix. */
export type Prefixes = ReadonlyMap<string, string>

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace'

const NO_PREFIXES: Prefixes = new Map()

/** With `around`, the prefixes that are declared above; the default namespace is taken to be none there. */
export function writeElement(element: XmlElement, around: Prefixes = NO_PREFIXES): string {
  return write(element, around, '')
}

/** Characters that XML cannot hold become U+FFFD. */
export function escapeText(text: string): string {
  if (NEEDS_ESCAPE.test(text))
    return text.replaceAll(ESCAPED, (mark) => ESCAPES[mark] ?? '\ufffd').toWellFormed()
  // All that calendars have in every line: no function is called for each.
  return text.replaceAll('\r', ESCAPES['\r']!)
}

export function escapeAttribute(text: string): string {
  return text.replaceAll(ESCAPED_IN_ATTRIBUTE, (mark) => ESCAPES[mark] ?? '\ufffd').toWellFormed()
}

/** `defaultNamespace` is what a name without a prefix means here. */
function write(element: XmlElement, around: Prefixes, defaultNamespace: string): string {
  const prefix = around.get(element.namespace)
  const name = prefix === undefined ? element.name : `${prefix}:${element.name}`
  let tag = `<${name}`
  let inside = defaultNamespace
  if (prefix === undefined && element.namespace !== defaultNamespace) {
    tag += ` xmlns="${escapeAttribute(element.namespace)}"`
    inside = element.namespace
  }
  let made = 0
  for (const { namespace, name: attribute, value } of element.attributes) {
    tag += ' '
    if (namespace === '') tag += attribute
    else if (namespace === XML_NAMESPACE) tag += `xml:${attribute}`
    else {
      // A name of its own, also where the prefix is declared above: attributes do not take the default namespace.
      const own = `a${made++}`
      tag += `xmlns:${own}="${escapeAttribute(namespace)}" ${own}:${attribute}`
    }
    tag += `="${escapeAttribute(value)}"`
  }
  if (element.children.length === 0) return `${tag}/>`
  tag += '>'
  for (const child of element.children)
    tag += typeof child === 'string' ? escapeText(child) : write(child, around, inside)
  return `${tag}</${name}>`
}

const ESCAPES: { readonly [mark: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
const NEEDS_ESCAPE = /[&<>\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/
const ESCAPED = /[&<>\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g
const ESCAPED_IN_ATTRIBUTE = /[&<>"\u0000-\u001f\ufffe\uffff]/g

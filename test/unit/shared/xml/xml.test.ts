// XML in and out: namespaces, encodings, what is refused, and that what was written is read as the same.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  attributeOf,
  childNamed,
  childrenNamed,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import { escapeAttribute, escapeText, writeElement } from '../../../../shared/xml/write.ts'

const LIMITS = { depth: 4, elements: 10, attributes: 3 }

function read(text: string | Uint8Array): XmlElement {
  const result = readXml(typeof text === 'string' ? Buffer.from(text) : text)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

function refusal(text: string | Uint8Array, limits = LIMITS): string {
  const result = readXml(typeof text === 'string' ? Buffer.from(text) : text, limits)
  return result.ok ? 'taken' : `${result.error.kind}: ${result.error.message}`
}

describe('readXml', () => {
  test('resolves namespaces, whatever the prefixes', () => {
    const root = read(
      '<propfind xmlns="DAV:" xmlns:c="urn:c"><prop><c:a x="1"/><c:a y="2"/></prop></propfind>',
    )
    expect(root).toMatchObject({ namespace: 'DAV:', name: 'propfind' })
    const prop = childNamed(root, 'DAV:', 'prop')!
    const [first, second] = childrenNamed(prop, 'urn:c', 'a')
    expect([attributeOf(first!, 'x'), attributeOf(second!, 'x')]).toEqual(['1', undefined])
  })

  test('joins text, CDATA and references, and hands the language down', () => {
    const root = read('<a xml:lang="de"><b>x &amp; &#x20AC;<![CDATA[ <y>]]><!-- no --></b></a>')
    const b = childNamed(root, '', 'b')!
    expect(textOf(b)).toBe('x & € <y>')
    expect(b.language).toBe('de')
  })

  test('reads UTF-16 with a byte order mark, and UTF-8 with one', () => {
    const text = '<?xml version="1.0" encoding="UTF-16"?><a>ä</a>'
    const le = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
    expect(textOf(read(le))).toBe('ä')
    expect(textOf(read(Buffer.concat([Buffer.from(le).swap16()])))).toBe('ä')
    expect(textOf(read('\uFEFF<a>ä</a>'))).toBe('ä')
  })

  test.each([
    ['', 'malformed'],
    ['<a>', 'malformed'],
    ['<a><b></a></b>', 'malformed'],
    ['<x:a/>', 'malformed'],
    ['<a xmlns:x=""/>', 'malformed'],
    ['<a>&unknown;</a>', 'malformed'],
    ['<a/><b/>', 'malformed'],
    [
      '<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]><a>&m;</a>',
      'malformed: A document type',
    ],
    ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'malformed: A document type'],
    ['<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 'malformed: Expected XML in UTF-8'],
    [new Uint8Array([0x3c, 0x61, 0xff, 0x2f, 0x3e]), 'malformed: Expected XML in UTF-8'],
    ['<a>'.repeat(5) + '</a>'.repeat(5), 'too-large: More than 4 elements inside'],
    [`<a>${'<b/>'.repeat(10)}</a>`, 'too-large: More than 10 elements'],
    ['<a b="" c="" d="" e=""/>', 'too-large: More than 3 attributes'],
  ])('refuses %s', (text, why) => {
    expect(refusal(text).startsWith(why), refusal(text)).toBe(true)
  })
})

describe('writeElement', () => {
  test('declares what is not declared around it, once', () => {
    const element = read('<p:a xmlns:p="urn:p"><p:b q:z="1" xmlns:q="urn:q"/><c/></p:a>')
    expect(writeElement(element)).toBe(
      '<a xmlns="urn:p"><b xmlns:a0="urn:q" a0:z="1"/><c xmlns=""/></a>',
    )
    const around = new Map([['urn:p', 'd']])
    expect(writeElement(element, around)).toBe('<d:a><d:b xmlns:a0="urn:q" a0:z="1"/><c/></d:a>')
  })

  test('escapes what would be read as something else', () => {
    expect(escapeText('a<b>&\r"')).toBe('a&lt;b&gt;&amp;&#13;"')
    expect(escapeAttribute('"\n\t<')).toBe('&quot;&#10;&#9;&lt;')
    expect(escapeText('a\u0000\ud800b😀')).toBe('a\ufffd\ufffdb😀')
  })

  test('what is written is read as the same', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const namespace = fc.constantFrom('', 'DAV:', 'urn:x', 'urn:y')
    const value = fc.string({
      unit: fc.constantFrom('x', '<', '&', '"', "'", '\n', '\r', 'ä', '😀'),
    })
    const { element } = fc.letrec<{ element: XmlElement }>((tie) => ({
      element: fc.record({
        namespace,
        name,
        attributes: fc.uniqueArray(fc.record({ namespace, name, value }), {
          selector: (a) => `${a.namespace} ${a.name}`,
          maxLength: 3,
        }),
        children: fc
          .array(fc.oneof({ depthSize: 'small' }, value, tie('element')), { maxLength: 4 })
          .map(joined),
      }),
    }))
    const around = new Map([['DAV:', 'd']])
    fc.assert(
      fc.property(element, (made) => {
        expect(read(writeElement(made))).toEqual(made)
        const [child] = read(`<r xmlns:d="DAV:">${writeElement(made, around)}</r>`).children
        expect(child).toEqual(made)
      }),
    )
  })
})

/** A parser cannot tell two texts in a row from one, nor an empty one from none. */
function joined(children: readonly (XmlElement | string)[]): (XmlElement | string)[] {
  const out: (XmlElement | string)[] = []
  for (const child of children) {
    const last = out.at(-1)
    if (typeof child === 'string' && typeof last === 'string') out[out.length - 1] = last + child
    else if (child !== '') out.push(child)
  }
  return out
}

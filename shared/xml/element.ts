// An XML element as data, with its namespaces resolved (XML 1.0, Namespaces in XML 1.0). Pure.

export type XmlAttribute = {
  /** '' for an attribute without a prefix. */
  readonly namespace: string
  readonly name: string
  readonly value: string
}

export type XmlElement = {
  /** '' when there is none. */
  readonly namespace: string
  readonly name: string
  readonly attributes: readonly XmlAttribute[]
  /** Elements and text in order; comments and processing instructions are left out. */
  readonly children: readonly (XmlElement | string)[]
  /** `xml:lang` as it stands here or above. */
  readonly language?: string
}

export function isElement(element: XmlElement, namespace: string, name: string): boolean {
  return element.name === name && element.namespace === namespace
}

export function childElements(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string')
}

export function childrenNamed(
  element: XmlElement,
  namespace: string,
  name: string,
): readonly XmlElement[] {
  return childElements(element).filter((child) => isElement(child, namespace, name))
}

/** The first of that name. */
export function childNamed(
  element: XmlElement,
  namespace: string,
  name: string,
): XmlElement | undefined {
  for (const child of element.children)
    if (typeof child !== 'string' && isElement(child, namespace, name)) return child
  return undefined
}

/** Text directly inside, without that of elements below. */
export function textOf(element: XmlElement): string {
  let text = ''
  for (const child of element.children) if (typeof child === 'string') text += child
  return text
}

/** An attribute without a namespace. */
export function attributeOf(element: XmlElement, name: string): string | undefined {
  return element.attributes.find((each) => each.name === name && each.namespace === '')?.value
}

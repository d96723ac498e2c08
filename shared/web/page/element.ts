// Elements in one call: texts are texts, never markup.

type Child = Node | string
type Properties<E> = { readonly [key in keyof E]?: E[key] }

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties<HTMLElementTagNameMap[K]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  Object.assign(made, properties)
  made.append(...children)
  return made
}

/** A field under its name. */
export function labelled(text: string, field: HTMLElement): HTMLLabelElement {
  return element('label', {}, text, field)
}

export function button(
  text: string,
  onclick: () => void,
  properties: Properties<HTMLButtonElement> = {},
): HTMLButtonElement {
  return element('button', { type: 'button', onclick, ...properties }, text)
}

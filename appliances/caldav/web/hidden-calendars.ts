// Which calendars a person does not look at, kept in this browser.

export class HiddenCalendars {
  readonly #key: string
  readonly #hrefs: Set<string>

  constructor(user: string) {
    this.#key = `hidden calendars of ${user}`
    this.#hrefs = new Set(kept(this.#key))
  }

  has(href: string): boolean {
    return this.#hrefs.has(href)
  }

  set(href: string, isHidden: boolean): void {
    if (isHidden) this.#hrefs.add(href)
    else this.#hrefs.delete(href)
    try {
      localStorage.setItem(this.#key, JSON.stringify([...this.#hrefs]))
    } catch {
      // A browser that keeps nothing: it holds until the page is left.
    }
  }
}

function kept(key: string): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? '[]')
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  } catch {
    return [] // Nothing that was kept by this page.
  }
}

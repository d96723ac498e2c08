// A list of the history that grows by pages, with what is said while it is read and when there is nothing.
import { button, element } from '../../../shared/web/page/element.ts'
import type { Page } from './history-client.ts'

/** Reads the first page at once. `row` is what an item looks like, `nothing` what is said of an empty list. */
export function pagedList<T>(
  read: (more: string) => Promise<Page<T>>,
  row: (item: T, index: number) => HTMLElement,
  nothing: string,
): HTMLElement {
  const list = element('ol', { className: 'history' })
  const end = element('p', { role: 'status' })
  let count = 0
  const grow = async (more: string): Promise<void> => {
    end.replaceChildren('Looking…')
    try {
      let page = await read(more)
      // Where nothing is found the server looks through a part of a long history at a time.
      while (page.items.length === 0 && page.more !== '' && list.isConnected)
        page = await read(page.more)
      list.append(...page.items.map((item) => row(item, count++)))
      const older = button('Look further back', () => void grow(page.more))
      end.replaceChildren(page.more !== '' ? older : count === 0 ? nothing : '')
    } catch (fault) {
      end.replaceChildren(
        fault instanceof Error ? fault.message : String(fault),
        ' ',
        button('Try again', () => void grow(more)),
      )
    }
  }
  void grow('')
  return element('section', {}, list, end)
}

/** `25 Nov 2026, 14:03` as this browser writes it. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short',
  })
}

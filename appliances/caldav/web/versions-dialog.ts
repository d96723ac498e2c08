// The history of one event or contact: its versions, who made them and what they changed, and the way back to each.
import { element, button } from '../../../shared/web/page/element.ts'
import { shown } from './dialog.ts'
import { restore, versionsOf, type Version } from './history-client.ts'
import { pagedList, timeText } from './paged-list.ts'

/** True when it was brought back to another version. */
export function showVersions(href: string, title: string, isWritable: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'wide' })
    const message = element('p', { className: 'message', role: 'alert' })
    let isChanged = false
    let latest: Version | undefined
    const bring = async (version: Version): Promise<void> => {
      message.textContent = ''
      try {
        await restore(href, { version: version.commit }, conditionOf(latest))
        isChanged = true
        dialog.close()
      } catch (fault) {
        message.textContent = fault instanceof Error ? fault.message : String(fault)
      }
    }
    const row = (version: Version, index: number): HTMLElement => {
      if (index === 0) latest = version
      const isCurrent = version.blob !== undefined && version.blob === latest?.blob
      const mayRestore = isWritable && version.blob !== undefined && !isCurrent
      return element(
        'li',
        {},
        element('p', {}, element('strong', {}, timeText(version.seconds)), ` ${version.author}`),
        element('p', {}, wordsOf(version, isCurrent)),
        ...(version.shows.length === 0 ? [] : [contentOf(version)]),
        ...(mayRestore ? [button('Restore this version', () => void bring(version))] : []),
      )
    }
    const heading = `History of ${title || 'an event without a title'}`
    dialog.setAttribute('aria-label', heading)
    dialog.append(
      element('h2', {}, heading),
      message,
      pagedList((more) => versionsOf(href, more), row, 'There is no history of it'),
      element(
        'div',
        { className: 'row' },
        button('Close', () => dialog.close(), { className: 'end' }),
      ),
    )
    shown(dialog, () => resolve(isChanged))
  })
}

function wordsOf({ kind, what }: Version, isCurrent: boolean): string {
  const verb = { added: 'Made', changed: 'Changed', removed: 'Deleted' }[kind]
  const words = what.length === 0 ? verb : `${verb}: ${what.join('; ')}`
  return isCurrent ? `${words} (as it is now)` : words
}

function contentOf({ shows }: Version): HTMLElement {
  return element(
    'details',
    {},
    element('summary', {}, 'What it says'),
    element(
      'dl',
      {},
      ...shows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
    ),
  )
}

/** Only over what the list began with. */
function conditionOf(latest: Version | undefined): { readonly [name: string]: string } {
  return latest?.blob === undefined ? { 'if-none-match': '*' } : { 'if-match': `"${latest.blob}"` }
}

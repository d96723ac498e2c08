// The part of an event's dialog with its files: saved from there at once, added and removed when the event is saved.
import { saveAttachment } from './attachments-client.ts'
import { formatBytes, type Attached } from './core/attached.ts'
import { button, element } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'

export type AttachmentsChange = {
  readonly added: readonly File[]
  /** Managed ids. */
  readonly removed: readonly string[]
}

export type AttachmentsField = {
  readonly element: HTMLElement
  readonly change: () => AttachmentsChange
}

export function attachmentsField(
  attached: readonly Attached[],
  isEditable: boolean,
): AttachmentsField {
  let left = attached
  let added: readonly File[] = []
  const message = messageLine()
  const list = element('ul', { className: 'rows' })
  const files = element('input', { type: 'file', multiple: true, hidden: true })
  files.onchange = () => {
    added = [...added, ...(files.files ?? [])]
    files.value = ''
    render()
  }
  const rowOf = (
    name: Node | string,
    about: string,
    remove: (() => void) | undefined,
    of: string,
  ) =>
    element(
      'li',
      {},
      element(
        'span',
        { className: 'grow' },
        name,
        element('span', { className: 'faint' }, ` ${about}`),
      ),
      ...(remove === undefined || !isEditable
        ? []
        : [button('Remove', remove, { ariaLabel: `Remove ${of}` })]),
    )
  const ofAttached = (each: Attached): HTMLElement => {
    const { name, kept, url, bytes } = each
    const size = bytes === undefined ? '' : formatBytes(bytes)
    const shown =
      kept === undefined
        ? element('a', { href: url, target: '_blank', rel: 'noreferrer' }, name)
        : button(name, () => void told(message, () => saveAttachment(each)), {
            className: 'link',
            ariaLabel: `Save ${name}`,
          })
    const remove = (): void => {
      left = left.filter((other) => other !== each)
      render()
    }
    return rowOf(shown, size, kept === undefined ? undefined : remove, name)
  }
  const ofFile = (file: File): HTMLElement => {
    const remove = (): void => {
      added = added.filter((other) => other !== file)
      render()
    }
    return rowOf(file.name, `${formatBytes(file.size)}, added when you save`, remove, file.name)
  }
  const render = (): void => list.replaceChildren(...left.map(ofAttached), ...added.map(ofFile))
  render()
  return {
    element: element(
      'fieldset',
      {},
      element('legend', {}, 'Files'),
      list,
      ...(isEditable
        ? [
            element(
              'div',
              { className: 'row' },
              button('Add files', () => files.click()),
              files,
            ),
          ]
        : []),
      message,
    ),
    change: () => ({
      added,
      removed: attached.flatMap((each) =>
        left.includes(each) || each.kept === undefined ? [] : each.kept.id,
      ),
    }),
  }
}

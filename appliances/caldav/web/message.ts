// What went wrong, where it was asked for.
import { element } from '../../../shared/web/page/element.ts'

export function messageLine(): HTMLElement {
  return element('p', { className: 'message', role: 'alert' })
}

export async function told(message: HTMLElement, run: () => Promise<void>): Promise<void> {
  message.textContent = ''
  try {
    await run()
  } catch (fault) {
    message.textContent = fault instanceof Error ? fault.message : String(fault)
  }
}

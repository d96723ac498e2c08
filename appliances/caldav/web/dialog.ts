// A modal dialog while it is open: it takes itself away.

export function shown(dialog: HTMLDialogElement, closed: () => void): void {
  dialog.onclose = () => {
    dialog.remove()
    closed()
  }
  document.body.append(dialog)
  dialog.showModal()
}

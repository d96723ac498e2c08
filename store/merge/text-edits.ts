// Pieces of a text replaced by offsets of the text as it was before.
export type TextEdit = { readonly start: number; readonly end: number; readonly text: string }

/** Edits must not overlap; of several at one place the earlier in the list goes first, insertions before removals. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const ordered = edits.toSorted((a, b) => a.start - b.start || a.end - b.end)
  const parts: string[] = []
  let at = 0
  for (const edit of ordered) {
    parts.push(text.slice(at, edit.start), edit.text)
    at = edit.end
  }
  return parts.join('') + text.slice(at)
}

// The dialog in which a person takes an `.ics` file into a calendar: how far it is, and what was refused, with its line.
import { importBatch } from './calendar-file.ts'
import { batchesOf, IMPORT_LIMIT_BYTES, inFile, type ImportBatch } from './core/import-batches.ts'
import type { Calendar } from './dav-client.ts'
import { shown } from './dialog.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'

/** More are counted. */
const REFUSALS_SHOWN = 500

type Counts = { taken: number; there: number; refused: number }

export function importDialog(calendar: Calendar): Promise<void> {
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'wide', ariaLabel: 'Import' })
    const file = element('input', { type: 'file', accept: '.ics,text/calendar', required: true })
    const progress = element('progress', { hidden: true, ariaLabel: 'Progress' })
    const status = element('p', { className: 'faint', role: 'status' })
    const refusals = element('ol', { className: 'refusals' })
    const start = element('button', { type: 'submit', className: 'primary' }, 'Import')
    let isOpen = true
    const run = async (chosen: File): Promise<void> => {
      refusals.replaceChildren()
      const batches = await readBatches(chosen)
      const count = batches.reduce((sum, { objects }) => sum + objects.length, 0)
      if (count === 0) throw new Error('There is no event in this file')
      progress.hidden = false
      progress.max = count
      const counts: Counts = { taken: 0, there: 0, refused: 0 }
      for (const batch of batches) {
        if (!isOpen) return
        await take(batch, counts)
        progress.value = counts.taken + counts.there + counts.refused
        status.textContent = `${progress.value} of ${count}`
      }
      status.textContent = summaryOf(counts)
    }
    const take = async (batch: ImportBatch, counts: Counts): Promise<void> => {
      const answers = await importBatch(calendar, batch)
      for (const [i, answer] of answers.entries()) {
        counts[answer.kind]++
        if (answer.kind !== 'refused' || counts.refused > REFUSALS_SHOWN) continue
        const title = batch.objects[i]?.title ?? ''
        const what = title === '' ? '' : `“${title}”: `
        refusals.append(element('li', {}, `${what}${inFile(answer.why, batch)}`))
      }
    }
    const form = element(
      'form',
      {
        onsubmit: (submit) => {
          submit.preventDefault()
          const chosen = file.files?.[0]
          if (chosen === undefined) return
          start.disabled = file.disabled = true
          void run(chosen)
            .catch((fault: unknown) => {
              const why = fault instanceof Error ? fault.message : String(fault)
              status.textContent = `${why}. What was taken stays; the file can be imported again.`
            })
            .finally(() => {
              start.disabled = file.disabled = false
            })
        },
      },
      element('h2', {}, `Import into ${calendar.name}`),
      labelled('A calendar file (.ics)', file),
      progress,
      status,
      refusals,
      element(
        'div',
        { className: 'row' },
        button('Close', () => dialog.close(), { className: 'end' }),
        start,
      ),
    )
    dialog.append(form)
    shown(dialog, () => {
      isOpen = false
      resolve()
    })
  })
}

async function readBatches(file: File): Promise<ImportBatch[]> {
  if (file.size > IMPORT_LIMIT_BYTES)
    throw new Error(`The file is larger than ${IMPORT_LIMIT_BYTES / 1_000_000} MB`)
  try {
    return batchesOf(new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()))
  } catch (fault) {
    if (fault instanceof TypeError) throw new Error('The file is not UTF-8', { cause: fault })
    throw fault
  }
}

function summaryOf({ taken, there, refused }: Counts): string {
  const parts = [
    `${taken} taken`,
    ...(there === 0 ? [] : [`${there} were there already`]),
    ...(refused === 0 ? [] : [`${refused} refused:`]),
  ]
  return parts.join(', ')
}

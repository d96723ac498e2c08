// A calendar file cut into what the server takes in one request: objects with the time zones they name, and for each where it
// was in the file.
import { splitCalendar, type SplitObject } from '../../core/bulk/calendar-parts.ts'

/** Nothing that a program exports is larger; it is read into memory whole. */
export const IMPORT_LIMIT_BYTES = 32_000_000
/** So that a request is some tens of milliseconds of the server's time, and others have their turn. */
const BATCH_OBJECTS = 100
const BATCH_CHARS = 250_000

export type ImportBatch = {
  readonly body: string
  readonly objects: readonly { readonly title: string }[]
  /** In the file, 1-based, by line of the body. */
  readonly lines: readonly number[]
}

/** In the order of the file; an object that is larger than a batch is one by itself. */
export function batchesOf(text: string): ImportBatch[] {
  const batches: SplitObject[][] = []
  let chars = 0
  for (const object of splitCalendar(text)) {
    const last = batches.at(-1)
    const isFull = last?.length === BATCH_OBJECTS || chars + object.text.length > BATCH_CHARS
    if (last === undefined || isFull) {
      batches.push([object])
      chars = object.text.length
      continue
    }
    last.push(object)
    chars += object.text.length
  }
  return batches.map((objects) => ({
    body: objects.map((object) => object.text).join(''),
    objects: objects.map((object) => ({ title: titleOf(object.text) })),
    lines: objects.flatMap((object) => object.lines),
  }))
}

/** Of what the server says of a body, with the line of the file. */
export function inFile(why: string, { lines }: Pick<ImportBatch, 'lines'>): string {
  return why.replace(/^line (\d+)/, (whole, line: string) => {
    const at = lines[Number(line) - 1]
    return at === undefined ? whole : `line ${at}`
  })
}

function titleOf(object: string): string {
  const unfolded = object.replaceAll(/\r\n[ \t]/g, '')
  return /^SUMMARY[^:\r\n]*:(.*)$/m.exec(unfolded)?.[1]?.trim() ?? ''
}

// The process that is killed: several writers on one store, each commit told on standard output once it is durable.
// Arguments: path of the repository, number of the round, number of writers.
import { writeSync } from 'node:fs'
import { commitOne, openBare } from './own-store.ts'
import { SHAPES } from './shapes.ts'

const [path, round, writers] = process.argv.slice(2) as [string, string, string]
const store = await openBare(path)
// Written synchronously: what stands in the pipe was said before the kill.
writeSync(1, 'open\n')

async function write(writer: number): Promise<never> {
  for (let n = 0; ; n++) {
    const step = Number(round) * 1_000_003 + n * Number(writers) + writer
    writeSync(1, `${await commitOne(store, SHAPES['n100']!, step)}\n`)
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)))

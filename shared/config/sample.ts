// A share of queries that is looked at, as people write it: `1/100`.
import { parsed, withDefault, type Decoder } from './decode.ts'

const SAMPLE_LIMIT = 1_000_000

/** One in so many; all without. */
export const sample: Decoder<number> = withDefault(
  parsed('one in so many, such as "1/100"', (text) => {
    const [, digits] = /^1\/(\d{1,7})$/.exec(text) ?? []
    const oneIn = Number(digits)
    return oneIn >= 1 && oneIn <= SAMPLE_LIMIT ? oneIn : undefined
  }),
  1,
)

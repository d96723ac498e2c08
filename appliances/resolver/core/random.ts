// What the machine asks of chance: ids, letter cases, which of equal servers. Nobody outside may predict it.

export interface Random {
  /** An integer from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number
}

// What the page asks of the resolver it comes from.

type Counted = { readonly key: string; readonly count: number }

export type Figures = {
  readonly totals: {
    readonly queries: number
    readonly cacheHits: number
    readonly questions: number
    readonly blocked: number
  }
  /** Of the last intervals, oldest first. */
  readonly rates: {
    readonly seconds: number
    readonly queries: readonly number[]
    readonly cacheHits: readonly number[]
    readonly questions: readonly number[]
    readonly blocked: readonly number[]
  }
  readonly upstream: { readonly sent: number; readonly timeouts: number }
  readonly cache: { readonly answers: number; readonly bytes: number; readonly limitBytes: number }
  /** Where a query log is kept: the most asked first. */
  readonly queries?: {
    /** One query in so many is counted. */
    readonly sample: number
    readonly names: readonly Counted[]
    readonly blocked: readonly Counted[]
    readonly clients: readonly Counted[]
    readonly last: readonly {
      readonly atMs: number
      readonly client: string
      readonly name: string
      readonly type: string
      readonly rcode: string
      readonly isBlocked: boolean
    }[]
  }
  readonly servers: readonly {
    readonly server: string
    readonly rttMs?: number
    readonly down: boolean
  }[]
  readonly policy: {
    readonly names: number
    readonly pausedSeconds: number
    readonly lists: readonly {
      readonly name: string
      readonly kind: 'block' | 'allow' | 'rpz'
      readonly names: number
    }[]
  }
}

export type Why = {
  readonly name: string
  readonly verdict: 'blocked' | 'paused' | 'allowed' | 'house' | 'unlisted'
  readonly mentions: readonly {
    readonly list: string
    readonly file: string
    readonly says: 'allow' | 'block'
    readonly name: string
    readonly line?: number
    readonly text?: string
  }[]
}

export async function figures(): Promise<Figures> {
  return (await ask('GET', 'figures')) as Figures
}

export async function why(name: string): Promise<Why> {
  return (await ask('GET', `why?${new URLSearchParams({ name })}`)) as Why
}

/** How many answers were forgotten. */
export async function flush(name: string, isBelow: boolean): Promise<number> {
  const parameters = new URLSearchParams({ name, below: String(isBelow) })
  return ((await ask('POST', `flush?${parameters}`)) as { answers: number }).answers
}

export async function pause(): Promise<Figures> {
  return (await ask('POST', 'pause')) as Figures
}

export async function resume(): Promise<Figures> {
  return (await ask('POST', 'resume')) as Figures
}

async function ask(method: 'GET' | 'POST', what: string): Promise<unknown> {
  const response = await fetch(`-/api/${what}`, {
    method,
    headers: { 'x-cairn-page': '1' },
    cache: 'no-store',
  })
  if (response.ok) return await response.json()
  const text = await response.text()
  throw new Error(text.trim().slice(0, 300) || `The resolver answered ${response.status}`)
}

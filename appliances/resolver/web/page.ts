// The web page: what the resolver does now, why a name is blocked, flush, and a pause of the block lists.
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { chart } from './chart.ts'
import * as operator from './operator-client.ts'
import type { Figures, Why } from './operator-client.ts'

const LOOK_MS = 2_000
/** As many intervals as the resolver keeps. */
const POINTS = 120

new (class Page {
  readonly #message = element('p', { className: 'message', role: 'status' })
  readonly #tiles = element('section', { className: 'tiles' })
  readonly #queries = element('section', { className: 'tables' })
  readonly #servers = element('tbody')
  readonly #lists = element('tbody')
  readonly #blocking = element('span', { className: 'blocking' })
  readonly #pause = button('Pause blocking for 10 minutes', () => this.#do(operator.pause))
  readonly #resume = button('Block again', () => this.#do(operator.resume))
  readonly #answer = element('div', { className: 'answer' })

  show(): void {
    document.body.replaceChildren(
      element(
        'header',
        {},
        element('h1', {}, 'Resolver'),
        this.#blocking,
        this.#pause,
        this.#resume,
      ),
      this.#message,
      this.#tiles,
      element('section', { className: 'tools' }, this.#whyForm(), this.#flushForm()),
      this.#queries,
      element(
        'section',
        { className: 'tables' },
        table('Lists', ['List', 'Kind', 'Names'], this.#lists),
        table('Servers asked', ['Server', 'Round trip', ''], this.#servers),
      ),
    )
    void this.#look()
  }

  async #look(): Promise<void> {
    try {
      this.#draw(await operator.figures())
      if (this.#message.dataset['of'] === 'look') this.#say('')
    } catch (cause) {
      this.#say(sentence(cause), 'look')
    }
    setTimeout(() => void this.#look(), LOOK_MS)
  }

  #do(action: () => Promise<Figures>): void {
    action().then(
      (figures) => this.#draw(figures),
      (cause: unknown) => this.#say(sentence(cause)),
    )
  }

  #say(text: string, of = ''): void {
    this.#message.textContent = text
    this.#message.dataset['of'] = of
  }

  #draw({ totals, rates, upstream, cache, queries, servers, policy }: Figures): void {
    const perSecond = rates.queries.map((count) => count / rates.seconds)
    const hitRates = rates.questions.map((count, i) => share(rates.cacheHits[i]!, count))
    const blockedShares = rates.queries.map((count, i) => share(rates.blocked[i]!, count))
    this.#tiles.replaceChildren(
      tile(
        'Queries per second',
        rate(perSecond.at(-1) ?? 0),
        perSecond,
        `${whole(totals.queries)} since the start`,
      ),
      tile(
        'Answered from the cache',
        percent(share(totals.cacheHits, totals.questions)),
        hitRates,
        `${whole(cache.answers)} answers, ${megabytes(cache.bytes)} of ${megabytes(cache.limitBytes)} MB`,
      ),
      tile(
        'Blocked',
        percent(share(totals.blocked, totals.queries)),
        blockedShares,
        `${whole(totals.blocked)} since the start`,
      ),
      tile(
        'Packets to servers',
        whole(upstream.sent),
        undefined,
        `${whole(upstream.timeouts)} never answered`,
      ),
    )
    const { pausedSeconds, names } = policy
    const isPaused = pausedSeconds > 0
    this.#blocking.className = isPaused ? 'blocking paused' : 'blocking'
    this.#blocking.textContent = isPaused
      ? `Nothing is blocked for ${minutes(pausedSeconds)}`
      : `${whole(names)} names in lists`
    this.#pause.hidden = isPaused
    this.#resume.hidden = !isPaused
    this.#queries.replaceChildren(...(queries === undefined ? [] : queryTables(queries)))
    this.#lists.replaceChildren(
      ...policy.lists.map(({ name, kind, names: count }) => row(name, kind, whole(count))),
    )
    this.#servers.replaceChildren(
      ...servers.map(({ server, rttMs, down }) =>
        row(server, rttMs === undefined ? '–' : `${rttMs.toFixed(1)} ms`, down ? 'down' : ''),
      ),
    )
  }

  #whyForm(): HTMLFormElement {
    const name = nameField('www.example.org')
    const form = element(
      'form',
      { className: 'why' },
      element('h2', {}, 'Why is this blocked?'),
      labelled('Name', name),
      element('button', { type: 'submit', className: 'primary' }, 'Search'),
      this.#answer,
    )
    form.onsubmit = (submit) => {
      submit.preventDefault()
      operator.why(name.value).then(
        (why) => this.#answer.replaceChildren(...explanation(why)),
        (cause: unknown) => this.#answer.replaceChildren(sentence(cause)),
      )
    }
    return form
  }

  #flushForm(): HTMLFormElement {
    const name = nameField('example.org')
    const isBelow = element('input', { type: 'checkbox', checked: true })
    const done = element('div', { className: 'answer' })
    const form = element(
      'form',
      { className: 'flush' },
      element('h2', {}, 'Forget what is known'),
      labelled('Name', name),
      labelled('with all below it', isBelow),
      element('button', { type: 'submit' }, 'Flush'),
      element('a', { href: '-/cache', target: '_blank' }, 'All that is known'),
      done,
    )
    form.onsubmit = (submit) => {
      submit.preventDefault()
      operator.flush(name.value, isBelow.checked).then(
        (answers) => {
          done.textContent = `${whole(answers)} answers forgotten; who asks again gets a fresh one`
        },
        (cause: unknown) => {
          done.textContent = sentence(cause)
        },
      )
    }
    return form
  }
})().show()

function nameField(placeholder: string): HTMLInputElement {
  return element('input', {
    placeholder,
    required: true,
    spellcheck: false,
    autocapitalize: 'none',
  })
}

function tile(
  title: string,
  value: string,
  history: readonly number[] | undefined,
  more: string,
): HTMLElement {
  return element(
    'article',
    {},
    element('h2', {}, title),
    element('p', { className: 'value' }, value),
    ...(history === undefined ? [] : [chart(history, POINTS, `${title}, the last ten minutes`)]),
    element('p', { className: 'more' }, more),
  )
}

function table(
  title: string,
  heads: readonly string[],
  body: HTMLTableSectionElement,
): HTMLElement {
  return element(
    'article',
    {},
    element('h2', {}, title),
    element(
      'table',
      {},
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', {}, head)))),
      body,
    ),
  )
}

function queryTables({
  sample,
  names,
  blocked,
  clients,
  last,
}: NonNullable<Figures['queries']>): Node[] {
  const counted = (title: string, kind: string, top: typeof names): HTMLElement =>
    table(
      title,
      [kind, sample === 1 ? 'Queries' : `Queries (one in ${whole(sample)})`],
      filled(top.map(({ key, count }) => row(key, whole(count)))),
    )
  return [
    counted('Asked most in the last hour', 'Name', names),
    counted('Blocked most in the last hour', 'Name', blocked),
    counted('Who asks most', 'Network', clients),
    table(
      'Last queries',
      ['Time', 'Network', 'Question', 'Answer'],
      filled(
        last.map(({ atMs, client, name, type, rcode, isBlocked }) =>
          row(
            new Date(atMs).toLocaleTimeString(),
            client,
            `${name} ${type}`,
            isBlocked ? `${rcode}, blocked` : rcode,
          ),
        ),
      ),
    ),
  ]
}

function filled(rows: readonly HTMLTableRowElement[]): HTMLTableSectionElement {
  return element('tbody', {}, ...rows)
}

function row(...cells: readonly string[]): HTMLTableRowElement {
  return element('tr', {}, ...cells.map((cell) => element('td', {}, cell)))
}

function explanation({ name, verdict, mentions }: Why): Node[] {
  return [
    element('p', { className: `verdict ${verdict}` }, `${name} ${VERDICTS[verdict]}`),
    ...mentions.map((mention) =>
      element(
        'p',
        { className: 'mention' },
        mention.says === 'allow' ? 'Let through by ' : 'Blocked by ',
        element(
          'code',
          {},
          mention.line === undefined ? mention.file : `${mention.file}:${mention.line}`,
        ),
        mention.text === undefined
          ? `, which was changed since it was read: ${mention.name}`
          : element('code', { className: 'line' }, mention.text),
      ),
    ),
  ]
}

const VERDICTS: { readonly [verdict in Why['verdict']]: string } = {
  blocked: 'is blocked',
  paused: 'is let through while blocking is paused',
  allowed: 'is resolved: an allow list lets it through',
  house: 'is a name of the house, answered here',
  unlisted: 'is in no list',
}

function share(part: number, all: number): number {
  // Not all figures are of the same moment.
  return all === 0 ? 0 : Math.min(1, part / all)
}

function percent(part: number): string {
  return part.toLocaleString('en', { style: 'percent', maximumFractionDigits: 1 })
}

function rate(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })
}

function whole(count: number): string {
  return count.toLocaleString('en')
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })
}

function minutes(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function sentence(cause: unknown): string {
  // A fetch that fails says nothing a person understands.
  if (cause instanceof TypeError) return 'The resolver does not answer'
  return cause instanceof Error ? cause.message : String(cause)
}

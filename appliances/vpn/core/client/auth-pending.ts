// What a gateway says while it waits for a person: `AUTH_PENDING,timeout 60`, then `INFO_PRE,WEB_AUTH::https://...` or
// `INFO_PRE,OPEN_URL:https://...` with the page to open, or `INFO_PRE,CR_TEXT:R,E:...` with a question.

/** `IV_SSO`: the ways that need nothing of this program but to show a link; and questions, where it has the answer. */
export function pendingWays(hasAnswer: boolean): string {
  return `webauth,openurl${hasAnswer ? ',crtext' : ''}`
}

/** Without a word of the gateway's; and whatever it says. */
const WAIT_MS = { default: 60_000, highest: 900_000 } as const

/** How long it may take from now on, in milliseconds; undefined when the text is another one. */
export function pendingMs(text: string): number | undefined {
  if (text !== 'AUTH_PENDING' && !text.startsWith('AUTH_PENDING,')) return undefined
  const seconds = /,timeout (\d{1,9})(?:,|$)/.exec(text)?.[1]
  return seconds === undefined ? WAIT_MS.default : Math.min(WAIT_MS.highest, Number(seconds) * 1000)
}

/** The page to open; undefined when the text is another one, or what it names is no page. */
export function pendingPage(text: string): string | undefined {
  const [, url] = /^INFO(?:_PRE)?,(?:WEB_AUTH:[^:]*|OPEN_URL):(https?:\/\/\S+)$/.exec(text) ?? []
  return url
}

/** Whether a question is asked whose answer is wanted (flag `R`). */
export function isQuestion(text: string): boolean {
  return /^INFO(?:_PRE)?,CR_TEXT:(?:\w,)*R(?:,\w)*:/.test(text)
}

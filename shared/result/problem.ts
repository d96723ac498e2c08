// A thing wrong in text a person wrote, with its place: `zones/example.org:17: CNAME and other data`.
export type Problem = {
  readonly severity: 'error' | 'warning'
  /** Path as the person knows it; absent when there is none (a value from the command line). */
  readonly file?: string
  /** 1-based. */
  readonly line?: number
  /** Where inside the value, e.g. `listen[0]`. */
  readonly key?: string
  readonly message: string
}

export function problem(message: string, place: Partial<Problem> = {}): Problem {
  return { severity: 'error', ...place, message }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((p) => p.severity === 'error')
}

/** `file:line: key: message`, leaving out what is not known; warnings say so. */
export function formatProblem(p: Problem): string {
  const place = p.file === undefined ? '' : `${p.file}${p.line === undefined ? '' : `:${p.line}`}: `
  const key = p.key === undefined ? '' : `${p.key}: `
  return `${place}${p.severity === 'warning' ? 'warning: ' : ''}${key}${p.message}`
}

// Wrong words on the command line.
export class Misuse extends Error {}

/** What parseArgs throws for an option it does not know. */
export function isArgumentError(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
}

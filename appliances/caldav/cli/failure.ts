// How a command ends that could not do what it was asked: wrong words and content say why, a fault of ours goes on.
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { isArgumentError, Misuse } from './misuse.ts'

/** The exit code, after it was told; what is no mistake of the user's is thrown again. */
export function failed(
  word: string,
  cause: unknown,
  terminal: { err(text: string): void },
): number {
  if (cause instanceof Misuse || isArgumentError(cause)) {
    terminal.err(
      `cairn-caldav ${word}: ${(cause as Error).message}\nTry: cairn-caldav ${word} --help\n`,
    )
    return EXIT.USAGE
  }
  if (!(cause instanceof Fatal)) throw cause
  terminal.err(`${cause.message}\n`)
  return EXIT.CONFIG
}

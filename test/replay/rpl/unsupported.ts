// What of a scenario nobody here plays.

export class Unsupported extends Error {
  override name = 'Unsupported'

  constructor(what: string, line: number) {
    super(`line ${line}: ${what}`)
  }
}

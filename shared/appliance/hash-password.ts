// The command `hash-password`: a password in, the line for [store.serve] users out.
import { hashPassword } from '../auth/password.ts'
import { EXIT } from '../cli/cli.ts'
import type { Command } from './appliance.ts'

const LENGTH_LIMIT = 1_000

export const hashPasswordCommand: Command = {
  summary: 'ask for a password, print its hash for "users = { name = ... }"',
  async run() {
    const password = await askPassword()
    if (password === undefined) return EXIT.USAGE
    process.stdout.write(`${await hashPassword(password)}\n`)
    return EXIT.OK
  },
}

/** From the terminal or the first line of standard input; undefined when there is none, which has been said. */
export async function askPassword(): Promise<string | undefined> {
  const password = process.stdin.isTTY ? await askHidden() : await readLine()
  if (password !== '' && password.length <= LENGTH_LIMIT) return password
  process.stderr.write(`Expected a password of 1 to ${LENGTH_LIMIT} characters\n`)
  return undefined
}

/** The first line of standard input. */
async function readLine(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk)
    if (text.includes('\n') || text.length > 2 * LENGTH_LIMIT) break
  }
  return text.split(/\r?\n/)[0] ?? ''
}

/** From the terminal, without showing it. */
function askHidden(): Promise<string> {
  const { stdin } = process
  process.stderr.write('Password: ')
  stdin.setRawMode(true).setEncoding('utf8').resume()
  return new Promise((resolve) => {
    let typed = ''
    const done = (password: string): void => {
      stdin.off('data', read).setRawMode(false).pause()
      process.stderr.write('\n')
      resolve(password)
    }
    const read = (keys: string): void => {
      for (const key of keys) {
        if (key === '\r' || key === '\n') return done(typed)
        // Ctrl-C and Ctrl-D: as if nothing had been typed.
        if (key === '\u0003' || key === '\u0004') return done('')
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key
      }
    }
    stdin.on('data', read)
  })
}

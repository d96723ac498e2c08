// The command `totp`: a secret for a user's authenticator app, sealed for the branch.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import {
  base32,
  SEALING_KEY_OCTETS,
  sealSecret,
  SECRET_OCTETS,
} from '../core/access/sealed-secret.ts'
import { parseSealingKey } from '../login-keys.ts'

const USAGE = `Usage: cairn-vpn totp USER KEY-FILE

Prints an otpauth:// address for the user's authenticator app (as a QR code: cairn-vpn totp ... | head -1 | qrencode -t utf8),
and the same secret sealed for users.toml. KEY-FILE is made when it is not there; name it as totp_key in [logins].
`

export const totpCommand: Command = {
  summary: 'USER KEY-FILE: a second factor for a user: see "totp --help"',
  help: USAGE,
  async run(args) {
    const [user = '', file = '', ...rest] = args
    if (!/^[^\s:"]{1,64}$/.test(user) || file === '' || rest.length > 0) {
      process.stderr.write(USAGE)
      return EXIT.USAGE
    }
    if (!existsSync(file))
      writeFileSync(file, `${randomBytes(SEALING_KEY_OCTETS).toString('base64')}\n`, {
        mode: 0o600,
        flag: 'wx',
      })
    const key = parseSealingKey(readFileSync(file, 'utf8'))
    if (!key.ok) throw new Fatal(`${file}: ${key.error}`)
    const secret = randomBytes(SECRET_OCTETS)
    const sealed = sealSecret(key.value, user, secret, randomBytes(12))
    const label = encodeURIComponent(user)
    process.stdout.write(`otpauth://totp/VPN:${label}?secret=${base32(secret)}&issuer=VPN

In users.toml, with the password that "cairn-vpn hash-password" prints:
${JSON.stringify(user)} = { password = "scrypt:...", totp = "${sealed}" }
`)
    return EXIT.OK
  },
}

// Who may come in: the certificate has been proved; here its name, its file in the branch and, where wanted, a password.
import { PasswordChecker } from '../../shared/auth/password.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import type { GatewayConfig } from './config.ts'
import { clientFileOf, type GatewayContent } from './core/content/gateway-content.ts'
import type { KeyMessage } from './core/control/key-method.ts'
import type { Client, ClientSettings } from './core/gateway/client.ts'
import type { Decision } from './core/gateway/gateway.ts'

export class Access {
  readonly #config: GatewayConfig
  readonly #passwords: PasswordChecker
  content: GatewayContent

  constructor(config: GatewayConfig, content: GatewayContent, clock: Clock) {
    this.#config = config
    this.content = content
    this.#passwords = new PasswordChecker(clock)
  }

  async decide(client: Client, message: KeyMessage): Promise<Decision> {
    const { commonName } = client.identity!
    if (commonName === '') return refused('the certificate has no common name')
    const file = clientFileOf(this.content, commonName)
    if (file?.isDisabled === true) return refused('')
    if (file === undefined && this.#config.tunnel.knownOnly) return refused('')
    if (this.#config.tunnel.passwords) {
      const stored = this.content.users.get(message.user)
      const check =
        stored === undefined
          ? 'wrong'
          : await this.#passwords.check(message.user, message.password, stored)
      if (check !== 'right') return refused(check === 'busy' ? 'TEMP:try again' : '')
    }
    const settings: ClientSettings = {
      user: message.user,
      push: file?.push ?? [],
      networks: file?.networks ?? [],
      ...(file?.ipv4 && { lease: { ipv4: file.ipv4, ipv6: file.ipv6 } }),
    }
    return { ok: true, settings }
  }
}

function refused(reason: string): Decision {
  return { ok: false, reason }
}

// Who may come in: the certificate has been proved; here its name, its file in the branch and, where wanted, a password.
import type { GatewayConfig } from './config.ts'
import { clientFileOf, type GatewayContent } from './core/content/gateway-content.ts'
import { ANSWER_MS, QUESTION } from './core/access/challenge.ts'
import type { KeyMessage } from './core/control/key-method.ts'
import { takesQuestions } from './core/control/protocol-bits.ts'
import type { Client, ClientSettings } from './core/gateway/client.ts'
import type { Decision } from './core/gateway/gateway.ts'
import type { Logins } from './logins.ts'

export class Access {
  readonly #config: GatewayConfig
  readonly #logins: Logins
  content: GatewayContent

  constructor(config: GatewayConfig, content: GatewayContent, logins: Logins) {
    this.#config = config
    this.content = content
    this.#logins = logins
  }

  async decide(client: Client, message: KeyMessage): Promise<Decision> {
    const { commonName } = client.identity!
    if (commonName === '') return refused('the certificate has no common name')
    const file = clientFileOf(this.content, commonName)
    if (file?.isDisabled === true) return refused('')
    if (file === undefined && this.#config.tunnel.knownOnly) return refused('')
    const settings: ClientSettings = {
      user: message.user,
      push: file?.push ?? [],
      networks: file?.networks ?? [],
      ...(file?.ipv4 && { lease: { ipv4: file.ipv4, ipv6: file.ipv6 } }),
    }
    if (!this.#config.tunnel.passwords) return { kind: 'admit', settings, token: undefined }
    const { user, password } = message
    // Whoever came in stays who it is.
    const known = client.settings
    if (known !== undefined && known.user !== user) return refused('')
    const stored = this.content.users.get(user)
    const canAsk = known === undefined && takesQuestions(client.session.peerInfo)
    const login = await this.#logins.check(user, commonName, password, stored, canAsk)
    if (login.kind === 'admit') return { ...login, settings }
    if (login.kind === 'refuse') return login
    const answered = (code: string): Decision => {
      const answer = this.#logins.answer(user, code, this.content.users.get(user))
      return answer.kind === 'admit' ? { ...answer, settings } : answer
    }
    return { kind: 'ask', question: QUESTION, waitMs: ANSWER_MS, answered }
  }
}

function refused(reason: string): Decision {
  return { kind: 'refuse', reason }
}

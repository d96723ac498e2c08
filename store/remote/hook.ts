// Whether a `POST /hook` really comes from the forge that shares a secret with us: a push there makes us look at once.
//
// Understood: `X-Hub-Signature-256: sha256=<hex>` (GitHub, Gogs, Forgejo), `X-Gitea-Signature: <hex>` (both HMAC-SHA-256
// over the body), `X-Gitlab-Token: <secret>` and `Authorization: Bearer <secret>`. What the body says is not believed:
// an accepted hook means "look now" and nothing else. SHA-1 signatures (`X-Hub-Signature`) are not looked at.
import { createHmac, timingSafeEqual } from 'node:crypto'

export type HookHeaders = { readonly [name: string]: string | readonly string[] | undefined }

export type HookAnswer = 'accepted' | 'unsigned' | 'wrong'

/** Header names in lower case, as node:http gives them. Every credential that is there has to be right. */
export function verifyHook(headers: HookHeaders, body: Uint8Array, secret: string): HookAnswer {
  if (secret === '') return 'wrong'
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  let answer: HookAnswer = 'unsigned'
  for (const [name, proof, prefix] of CREDENTIALS) {
    const given = headers[name]
    if (given === undefined) continue
    if (typeof given !== 'string') return 'wrong'
    // Authorization may be there for a proxy in front of us: only Bearer is meant for the hook.
    if (name === 'authorization' && !/^bearer /i.test(given)) continue
    const value = given.slice(prefix.length).trim()
    const expected = proof === 'signature' ? signature : secret
    const comparable = proof === 'signature' ? value.toLowerCase() : value
    const prefixed = given.slice(0, prefix.length).toLowerCase() === prefix
    if (!prefixed || !sameText(comparable, expected)) return 'wrong'
    answer = 'accepted'
  }
  return answer
}

/** What the sender is told. */
export function hookStatus(answer: HookAnswer): number {
  return HOOK_STATUS[answer]
}

/** The handler of `POST /hook`: calls `notify` when the sender knows the secret; resolves to the HTTP status. */
export function createHook(
  secret: string,
  notify: () => void,
): (body: Uint8Array, headers: HookHeaders) => Promise<number> {
  return async (body, headers) => {
    const answer = verifyHook(headers, body, secret)
    if (answer === 'accepted') notify()
    return hookStatus(answer)
  }
}

/** Takes as long for a wrong text as for a right one, whatever their lengths: what is compared are digests. */
function sameText(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

function digest(text: string): Buffer {
  return createHmac('sha256', 'hook').update(text).digest()
}

const HOOK_STATUS = { accepted: 202, unsigned: 401, wrong: 403 } as const

const CREDENTIALS = [
  ['x-hub-signature-256', 'signature', 'sha256='],
  ['x-gitea-signature', 'signature', ''],
  ['x-gitlab-token', 'token', ''],
  ['authorization', 'token', 'bearer '],
] as const

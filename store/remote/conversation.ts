// One exchange with a git service of a remote (versions 0 and 1): it says its refs, we ask once, it answers.
//
// HTTP and ssh differ only in how this is carried; what is said stands in advertisement.ts, push-request.ts, isomorphic.ts.
import type { Result } from '../../shared/result/result.ts'
import type { Service } from '../wire/advertise.ts'
import type { RemoteError } from './transport.ts'

export interface GitService {
  /** For logs and status; never holds a password or a token. */
  readonly name: string
  /** Resolves when the whole advertisement is there. */
  open(service: Service, signal: AbortSignal): Promise<Result<Conversation, RemoteError>>
}

export interface Conversation {
  /** Packet lines from the first ref to the flush; without the `# service` line that HTTP puts before. */
  readonly advertisement: Uint8Array
  /** At most once. The answer is read to its end, or refused beyond `limitBytes`. */
  ask(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Result<Uint8Array, RemoteError>>
  /** Always, asked or not. */
  close(): void
}

// Takes one request of a fetch from its bytes to its answer, in whichever protocol version. Knows no transport.
import type { Repository } from '../repository.ts'
import type { ProtocolVersion } from '../wire/capabilities.ts'
import { fetchErrorText, type FetchLimits } from '../wire/fetch-answer.ts'
import { decodeAllPackets, encodePacket } from '../wire/pkt-line.ts'
import { UploadPack } from '../wire/upload-pack.ts'
import { answerV2 } from '../wire/upload-pack-v2.ts'

/** The answer to a whole request as smart HTTP sends it. Reading of the repository happens while it is taken. */
export function* answerFetch(
  repository: Repository,
  body: Uint8Array,
  version: ProtocolVersion,
  limits: FetchLimits,
): Generator<Uint8Array> {
  const packets = decodeAllPackets(body)
  if (!packets.ok) {
    const text = fetchErrorText({ kind: 'malformed', line: packets.error.kind })
    return yield encodePacket(`ERR ${text}\n`)
  }
  if (version === 2) return yield* answerV2(repository, packets.value, limits)
  const machine = new UploadPack(repository, { stateless: true, limits })
  for (const packet of packets.value) {
    yield* machine.receive(packet)
    if (machine.over) return
  }
  yield* machine.end()
}

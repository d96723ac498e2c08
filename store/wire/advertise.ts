// What a client sees first: the refs (versions 0 and 1) or the commands (version 2). gitprotocol-pack(5), gitprotocol-v2(5).
import { ZERO_OID, type Oid } from '../object/oid.ts'
import type { Repository } from '../repository.ts'
import {
  receiveCapabilities,
  uploadCapabilities,
  V2_CAPABILITIES,
  type ProtocolVersion,
} from './capabilities.ts'
import { peelTags } from '../history/commit-graph.ts'
import { encodePacket, FLUSH } from './pkt-line.ts'

export type Service = 'git-upload-pack' | 'git-receive-pack'

/** What is advertised is read from these parts of a repository alone. */
export type Advertised = Pick<Repository, 'refs' | 'headRef' | 'read' | 'has'>

/** The first answer of `service`; receive-pack knows no version 2 and answers as version 0. */
export function* advertise(
  repository: Advertised,
  service: Service,
  version: ProtocolVersion,
): Generator<Uint8Array> {
  if (service === 'git-upload-pack' && version === 2) {
    yield encodePacket('version 2\n')
    for (const line of V2_CAPABILITIES) yield encodePacket(`${line}\n`)
    yield FLUSH
    return
  }
  if (version === 1) yield encodePacket('version 1\n')
  yield* service === 'git-upload-pack' ? uploadRefs(repository) : receiveRefs(repository)
  yield FLUSH
}

/** What smart HTTP puts before the advertisement. */
export function serviceHeader(service: Service): Uint8Array {
  return Buffer.concat([encodePacket(`# service=${service}\n`), FLUSH])
}

/** What an annotated tag leads to in the end; undefined for anything else. Branches are never tags. */
export function peeledRef(repository: Advertised, name: string, oid: Oid): Oid | undefined {
  return name.startsWith('refs/heads/') ? undefined : peelTags(repository, oid).at(-1)
}

function* uploadRefs(repository: Advertised): Generator<Uint8Array> {
  const refs = repository.refs()
  const head = refs.get(repository.headRef)
  const capabilities = uploadCapabilities(head === undefined ? undefined : repository.headRef)
  if (refs.size === 0) return yield encodePacket(`${ZERO_OID} capabilities^{}\0${capabilities}\n`)
  let suffix = `\0${capabilities}`
  if (head !== undefined) {
    yield encodePacket(`${head} HEAD${suffix}\n`)
    suffix = ''
  }
  for (const [name, oid] of refs) {
    yield encodePacket(`${oid} ${name}${suffix}\n`)
    suffix = ''
    const peeled = peeledRef(repository, name, oid)
    if (peeled !== undefined) yield encodePacket(`${peeled} ${name}^{}\n`)
  }
}

function* receiveRefs(repository: Advertised): Generator<Uint8Array> {
  const refs = repository.refs()
  const capabilities = receiveCapabilities()
  if (refs.size === 0) return yield encodePacket(`${ZERO_OID} capabilities^{}\0${capabilities}\n`)
  let suffix = `\0${capabilities}`
  for (const [name, oid] of refs) {
    yield encodePacket(`${oid} ${name}${suffix}\n`)
    suffix = ''
  }
}

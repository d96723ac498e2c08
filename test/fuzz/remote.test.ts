// Hostile answers of a remote: its refs, its report, and lines of known_hosts.
import { decodeAdvertisement, encodeAdvertisement } from '../../store/remote/advertisement.ts'
import { parseKnownHosts, judgeHostKey } from '../../store/remote/known-hosts.ts'
import { decodeReport } from '../../store/remote/push-request.ts'
import { sshBytes } from '../../store/object/ssh-key.ts'
import type { Oid } from '../../store/object/oid.ts'
import { parseCapabilities } from '../../store/wire/capabilities.ts'
import { encodePacket, FLUSH } from '../../store/wire/pkt-line.ts'
import { fuzz } from './harness.ts'

const OFFER = encodeAdvertisement(
  'git-upload-pack',
  [
    ['refs/heads/main', 'a'.repeat(40) as Oid],
    ['refs/tags/v1', 'b'.repeat(40) as Oid],
  ],
  'multi_ack_detailed side-band-64k object-format=sha1 symref=HEAD:refs/heads/main',
)

fuzz(
  'advertisement of a remote',
  { seeds: [OFFER.subarray(34), encodePacket('ERR no')] },
  (bytes) => {
    decodeAdvertisement(bytes)
  },
)

const STATUS = Buffer.concat([
  encodePacket('unpack ok\n'),
  encodePacket('ok refs/heads/main\n'),
  encodePacket('ng refs/heads/x declined\n'),
  FLUSH,
])
const BANDED = Buffer.concat([
  encodePacket(Buffer.concat([Buffer.of(2), Buffer.from('hello\n')])),
  encodePacket(Buffer.concat([Buffer.of(1), STATUS])),
  FLUSH,
])

for (const text of ['report-status', 'report-status side-band-64k']) {
  const capabilities = parseCapabilities(text)
  fuzz(`report of a push (${text})`, { seeds: [STATUS, BANDED] }, (bytes) => {
    decodeReport(bytes, capabilities)
  })
}

const KEY = sshBytes('ssh-ed25519', Buffer.alloc(32, 7)).toString('base64')
const LINES = `git.example.org,*.example ssh-ed25519 ${KEY}\n@revoked |1|AAAA|AAAA ssh-ed25519 ${KEY}\n`

fuzz('known_hosts', { seeds: [LINES] }, (bytes) => {
  const parsed = parseKnownHosts(Buffer.from(bytes).toString().split('\n'))
  if (parsed.ok) judgeHostKey(parsed.value, 'git.example.org', 22, Buffer.from(KEY, 'base64'))
})

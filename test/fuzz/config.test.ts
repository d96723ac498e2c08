// Text that people, pushes and command lines bring: refused with a sentence, never with an exception.
import { parseBasic } from '../../shared/auth/basic.ts'
import { parsePasswordHash } from '../../shared/auth/password-hash.ts'
import { parseCommandLine } from '../../shared/cli/cli.ts'
import { decodeConfig, object } from '../../shared/config/decode.ts'
import { observeTable } from '../../shared/config/observe-table.ts'
import { storeTable } from '../../shared/config/store-table.ts'
import { outlineToml } from '../../shared/config/toml-outline.ts'
import { parseToml } from '../../shared/config/toml.ts'
import { parseEndpoint } from '../../shared/net/endpoint.ts'
import { fuzz } from './harness.ts'

const HASH = `scrypt:32768:8:1:${'A'.repeat(22)}:${'A'.repeat(43)}`
const CONFIG = `[store]
path = "var/zones.git"
remote = "ssh://git@git.example.org/zones.git" # two-way
ssh_key_file = 'id'
known_hosts = [
  "git.example.org ssh-ed25519 AAAA",
]
[store.serve]
listen = "127.0.0.1:5418"
users = { alice = "${HASH}", "b.c" = """x""" }
[observe]
log = { format = "text", level = "info" }
`
const ARRAYS =
  '[[a.b]]\nc.d = 1979-05-27 07:32:00Z\n[[a.b]]\n[a.b.e]\n"f\\u00e9" = [[1, 2.5], [true]]\n'

const text = (input: Uint8Array): string => new TextDecoder().decode(input)

fuzz('outlineToml', { seeds: [CONFIG, ARRAYS] }, (input) => {
  const toml = text(input)
  const outline = outlineToml(toml)
  if (!outline.ok) return
  let end = 0
  for (const item of outline.value) {
    const places = [end, item.start, item.valueStart, item.valueEnd, item.end, toml.length]
    if (places.some((place, i) => i > 0 && place < places[i - 1]!)) throw new Error('out of order')
    end = item.end
  }
})

fuzz('parseToml', { seeds: [CONFIG, ARRAYS] }, (input) => {
  parseToml(text(input))
})

fuzz('decodeConfig', { seeds: [CONFIG, ARRAYS] }, (input) => {
  const decoded = decodeConfig(
    text(input),
    'f',
    object({ store: storeTable, observe: observeTable }),
  )
  if (!decoded.ok && decoded.error.length === 0) throw new Error('refused without a word')
})

fuzz(
  'overrides',
  { seeds: ['store.path=x', 'store.serve.users."a b"=1', 'a[0].b=[1]'] },
  (input) => {
    decodeConfig('', 'f', object({ store: storeTable }), [text(input)])
  },
)

fuzz('command line', { seeds: ['--config\nf\n--set\na=b', '--check\n-h\nword'] }, (input) => {
  parseCommandLine(text(input).split('\n'))
})

fuzz('Authorization', { seeds: ['Basic YWxpY2U6aHVudGVyMg==', HASH, '[::1]:53'] }, (input) => {
  parseBasic(text(input))
  parsePasswordHash(text(input))
  parseEndpoint(text(input))
})

// cairn-resolver in `npm start`: beside cairn-dns, of which it asks the sample zone.
import { askAddress } from '../ask.ts'
import type { HouseAppliance } from '../house.ts'

export const resolver: HouseAppliance = {
  name: 'resolver',
  configuration:
    () => `# Written by the first npm start; change it as you like, it stays. configs/resolver.toml explains every key.
listen = ["127.0.0.1:5301"]

# The sample zone lives in cairn-dns, and nobody else knows it: nobody signed for it either.
[[stub]]
zone = "example.org"
servers = ["127.0.0.1:5300"]

[dnssec]
negative = ["example.org"]

[page]
listen = "127.0.0.1:9155"

[observe]
listen = "127.0.0.1:9157"
`,
  seed: async () => {},
  describe({ own, page, observe }) {
    const colon = own.lastIndexOf(':')
    return `resolver ${own} by UDP and TCP, example.org from cairn-dns
${page === undefined ? '' : `page     http://${page}/ for a browser on this machine\n`}status   http://${observe}/status

  dig @${own.slice(0, colon)} -p ${own.slice(colon + 1)} +short www.example.org
`
  },
  async probe(port) {
    const address = await askAddress(port, 'localhost')
    return address === '127.0.0.1' ? undefined : `localhost is ${address}`
  },
}

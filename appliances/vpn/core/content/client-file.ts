// `ccd/<common name>`: what one client is given, in stock OpenVPN's words.
import { parseAddress } from '../../../../shared/net/address.ts'
import { parsePrefix, type Prefix } from '../../../../shared/net/prefix.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { readOptions, type OptionLine } from '../options/option-lines.ts'
import { prefixOfMask } from '../tunnel/netmask.ts'

export type ClientFile = {
  /** Not let in at all. */
  readonly isDisabled: boolean
  readonly ipv4: Uint8Array | undefined
  readonly ipv6: Uint8Array | undefined
  /** Networks behind it (`iroute`). */
  readonly networks: readonly Prefix[]
  readonly push: readonly string[]
}

export function readClientFile(
  text: string,
  file: string,
): { readonly client: ClientFile; readonly problems: readonly Problem[] } {
  const { options, problems } = readOptions(text, file)
  const found: Problem[] = [...problems]
  const networks: Prefix[] = []
  const push: string[] = []
  let isDisabled = false
  let ipv4: Uint8Array | undefined
  let ipv6: Uint8Array | undefined
  for (const option of options) {
    const wrong = (message: string): void =>
      void found.push(problem(`${option.name}: ${message}`, { file, line: option.line }))
    const [first = '', second = ''] = option.words
    switch (option.name) {
      case 'disable':
        isDisabled = true
        break
      case 'ifconfig-push':
        ipv4 = addressOf(first, 4)
        if (ipv4 === undefined) wrong(`expected an IPv4 address, found "${first}"`)
        break
      case 'ifconfig-ipv6-push':
        ipv6 = addressOf(first.split('/')[0]!, 16)
        if (ipv6 === undefined) wrong(`expected an IPv6 address with its bits, found "${first}"`)
        break
      case 'iroute': {
        const network = prefixOfMask(first, second === '' ? '255.255.255.255' : second)
        if (network === undefined)
          wrong(`expected a network and its mask, found "${option.words.join(' ')}"`)
        else networks.push(network)
        break
      }
      case 'iroute-ipv6': {
        const network = parsePrefix(first)
        if (network?.octets.length !== 16) wrong(`expected an IPv6 network, found "${first}"`)
        else networks.push(network)
        break
      }
      case 'push':
        if (pushProblem(option) === undefined) push.push(first)
        else wrong(pushProblem(option)!)
        break
      default:
        wrong(
          'is not known in a file for one client; there are disable, ifconfig-push, ifconfig-ipv6-push, iroute, iroute-ipv6 and push',
        )
    }
  }
  return { client: { isDisabled, ipv4, ipv6, networks, push }, problems: found }
}

/** What stands in PUSH_REPLY must not look like more than one option. */
function pushProblem({ words }: OptionLine): string | undefined {
  if (words.length !== 1 || words[0] === '') return 'expected one option in quotes'
  if (words[0]!.includes(',')) return 'a comma would end the option'
  return words[0]!.length > 900 ? 'is longer than 900 characters' : undefined
}

function addressOf(text: string, octets: 4 | 16): Uint8Array | undefined {
  const address = parseAddress(text)
  return address?.length === octets ? address : undefined
}

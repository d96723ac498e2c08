// `npm start`: the appliances on loopback with state in ./var, until Ctrl-C. `npm start -- dns` runs one of them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { parseToml } from '../shared/config/toml.ts'
import { HOUSE, type Addresses, type HouseAppliance } from './house.ts'
import { portProblem, runProgram, type Running } from './running.ts'

const USAGE = `usage: npm start [-- [--var FOLDER] [appliance ...]]

Runs ${HOUSE.map(({ name }) => name).join(', ')} on loopback, unprivileged. State and configuration are made in FOLDER
(./var) when they are not there, and are left as they are when they are. Ctrl-C ends it.
`
/** As everywhere in Cairn: a bad configuration or machine, bad usage. */
const EXIT_CONFIGURATION = 78
const EXIT_USAGE = 64

/** How a person finds each address in the configuration. */
const KEYS: { readonly [what in keyof Addresses]: string } = {
  own: 'listen',
  git: 'listen of [store.serve]',
  page: 'listen of [page]',
  observe: 'listen of [observe]',
}

const root = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { var: { type: 'string', default: 'var' }, help: { type: 'boolean', default: false } },
})
const unknown = positionals.filter((name) => !HOUSE.some((appliance) => appliance.name === name))
if (values.help || unknown.length > 0) {
  for (const name of unknown) console.error(`There is no appliance "${name}" here`)
  console.error(USAGE)
  process.exit(values.help ? 0 : EXIT_USAGE)
}
const chosen = HOUSE.filter(({ name }) => positionals.length === 0 || positionals.includes(name))

const stopping = Promise.withResolvers<void>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopping.resolve())

mkdirSync(values.var, { recursive: true })
const prepared = chosen.map((appliance) => {
  const config = writeConfiguration(appliance, values.var)
  return { appliance, config, addresses: readAddresses(config) }
})
for (const { addresses, config } of prepared) await refuseTakenPorts(addresses, config)

const running: Running[] = []
for (const { appliance, config, addresses } of prepared) {
  await appliance.seed(values.var)
  running.push(await runHere(appliance, config, addresses))
}
const welcome = prepared.map(({ appliance, addresses }) =>
  appliance.describe(addresses, values.var),
)
console.log(`\n${welcome.join('\n')}\nCtrl-C ends it; the data stays in ${values.var}.\n`)

const ended = running.map(async ({ ended }, n) => `${chosen[n]!.name} ended with ${await ended}`)
const fault = await Promise.race([stopping.promise, ...ended])
if (fault !== undefined) console.error(fault)
const codes = await Promise.all(running.map((each) => each.stop()))
process.exit(codes.every((code) => code === 0) && fault === undefined ? 0 : 1)

/** Path of the configuration, made when it is not there. */
function writeConfiguration(appliance: HouseAppliance, folder: string): string {
  const file = join(folder, `${appliance.name}.toml`)
  if (!existsSync(file)) writeFileSync(file, appliance.configuration(folder))
  return file
}

function readAddresses(config: string): Addresses {
  const parsed = parseToml(readFileSync(config, 'utf8'))
  if (!parsed.ok) fail(`${config}:${parsed.error.line}: ${parsed.error.message}`)
  const { listen, store, page, observe } = parsed.value.table as Partial<ExpectedTable>
  const own = Array.isArray(listen) ? listen[0] : listen
  const git = store?.serve?.listen
  if (own === undefined || observe?.listen === undefined)
    fail(`${config}: npm start needs listen and [observe] listen`)
  // `udp://127.0.0.1:1194`: what is before the address says how it is used there.
  return {
    own: own.replace(/^\w+:\/\//, ''),
    observe: observe.listen,
    ...(git !== undefined && { git }),
    ...(page?.listen !== undefined && { page: page.listen }),
  }
}

type ExpectedTable = {
  readonly listen: string | readonly string[]
  readonly store?: { readonly serve?: { readonly listen?: string } }
  readonly page?: { readonly listen?: string }
  readonly observe: { readonly listen?: string }
}

async function refuseTakenPorts(addresses: Addresses, config: string): Promise<void> {
  for (const [what, address] of Object.entries(KEYS)) {
    const endpoint = addresses[what as keyof Addresses]
    if (endpoint === undefined) continue
    const colon = endpoint.lastIndexOf(':')
    const host = endpoint.slice(0, colon).replaceAll(/[[\]]/g, '')
    const why = await portProblem(host, Number(endpoint.slice(colon + 1)))
    if (why === 'EADDRINUSE')
      fail(
        `${endpoint} is in use by another program (is npm start running already?). Stop it, or change ${address} in ${config}`,
      )
    if (why !== undefined)
      fail(`${endpoint} cannot be used: ${why}. Change ${address} in ${config}`)
  }
}

async function runHere(
  appliance: HouseAppliance,
  config: string,
  addresses: Addresses,
): Promise<Running> {
  const main = join(relative(process.cwd(), root), 'appliances', appliance.name, 'main.ts')
  try {
    return await runProgram({
      command: [process.execPath, main],
      config,
      observed: `http://${addresses.observe}`,
      output: 'inherit',
    })
  } catch (error) {
    for (const each of running) await each.stop()
    fail(`${appliance.name} ${(error as Error).message.trim()}`)
  }
}

function fail(message: string): never {
  console.error(message)
  process.exit(EXIT_CONFIGURATION)
}

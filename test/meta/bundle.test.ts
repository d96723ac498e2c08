// What each appliance carries: its size, its packages and the modules of Node it may use.
import { describe, expect, test } from 'vitest'
import { applianceNames, bundleAppliance } from '../../tools/bundle.ts'

/** What isomorphic-git brings along; 220 kB with itself. */
const ISOMORPHIC_GIT =
  'isomorphic-git async-lock clean-git-ref crc-32 diff3 ignore pako pify'.split(' ')

/** What any appliance with a store needs of Node: files, HTTP both ways, hashes, zlib; ffi and sea for the sandbox. */
const STORE_MODULES = [
  'crypto zlib util path os ffi fs fs/promises net http https',
  'dgram dns/promises perf_hooks sea timers/promises',
].flatMap((names) => names.split(' ').map((name) => `node:${name}`))

/** A row here is an argument: raise a budget or add a name only with a reason in the commit. */
const ALLOWED: { readonly [appliance: string]: Allowance } = {
  caldav: {
    // Of which some 410 are ours: WebDAV, iCalendar with its recurrences and zones, links, attachments, subscriptions, commands;
    // the web page is 65. LDAP is 62.
    kilobytes: 965,
    packages: ['smol-toml', 'saxes', 'xmlchars', 'lean-qr', 'ldapts', ...ISOMORPHIC_GIT],
    // LDAP, and that by TLS.
    modules: [...STORE_MODULES, 'node:buffer', 'node:events', 'node:assert', 'node:tls'],
  },
  dns: {
    // Of which some 700 are ours: updates, transfers, signing, encrypted transports. Packet workers and the thread that
    // signs carry their own code, the latter most of what makes a zone (80).
    kilobytes: 1020,
    packages: ['smol-toml', ...ISOMORPHIC_GIT],
    // DNS over TLS and HTTPS; packet workers are threads; a collection when a long text was let go.
    modules: [...STORE_MODULES, 'node:tls', 'node:http2', 'node:worker_threads', 'node:v8'],
  },
  resolver: {
    // Of which some 500 are ours: the machine, the validator, the store for the policy; the web page is 15.
    kilobytes: 800,
    packages: ['smol-toml', ...ISOMORPHIC_GIT],
    // Encrypted transports both ways; packet workers are threads, and carry their own code. The cache as a long answer.
    modules: [...STORE_MODULES, 'node:events', 'node:tls', 'node:http2', 'node:worker_threads'],
  },
  vpn: {
    // Of which some 360 are ours: gateway, client, an authority, rules of nftables; packet workers carry their own code, 33.
    kilobytes: 728,
    packages: ['smol-toml', ...ISOMORPHIC_GIT],
    // TLS inside the control channel; packet workers are threads.
    modules: [...STORE_MODULES, 'node:tls', 'node:stream', 'node:worker_threads'],
  },
}

type Allowance = {
  /** Minified, 1000 bytes each. */
  readonly kilobytes: number
  /** As they are named in package.json or brought by one that is. */
  readonly packages: readonly string[]
  readonly modules: readonly string[]
}

describe.each(applianceNames())('the bundle of %s', async (name) => {
  const allowed = ALLOWED[name]
  const { code, metafile } = await bundleAppliance(name, true)
  const inputs = Object.keys(metafile.inputs)

  test('is within its budget', () => {
    expect(allowed, `add a row for ${name}`).toBeDefined()
    expect(code.length / 1000).toBeLessThanOrEqual(allowed!.kilobytes)
  })

  test('carries the packages it may and no other', () => {
    const packages = inputs.flatMap(
      (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
    )
    expect([...new Set(packages)].sort()).toEqual([...allowed!.packages].sort())
  })

  test('uses the modules of Node it may and no other', () => {
    const modules = Object.values(metafile.outputs)
      .flatMap((output) => output.imports.map((edge) => edge.path))
      .filter((path) => path !== 'ssh2')
      .map((path) => (path.startsWith('node:') ? path : `node:${path}`))
    expect([...new Set(modules)].sort()).toEqual([...allowed!.modules].sort())
  })

  test('carries nothing of another appliance, of the tests or of the tools', () => {
    const foreign = inputs.filter(
      (path) =>
        !/^(node_modules|acme|store|shared)\//.test(path) &&
        !path.startsWith(`appliances/${name}/`),
    )
    expect(foreign).toEqual([])
  })

  test('is the same when it is built again', async () => {
    const again = await bundleAppliance(name, true)
    expect(Buffer.from(again.code).equals(code)).toBe(true)
  })
})

// What goes wrong around updates: power cuts while the remote comes and goes, three writers at once, a full disk. Nothing
// that was acknowledged is lost, all sides end up equal, and queries are answered all the time.
import { isNewerSerial } from '../../shared/dns/soa.ts'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Key } from '../../shared/tsig/key.ts'
import { decodeMessage, RCODE } from '../../shared/dns/message.ts'
import { killDns, spawnDns, type DnsChild } from '../support/dns-child.ts'
import { startDns } from '../support/dns-server.ts'
import { gitHttpBackend, type GitHttpBackend } from '../support/git-http-backend.ts'
import { git, gitOk } from '../support/git.ts'
import { askUdp } from '../support/name-servers.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { UpdateClient } from '../support/update-client.ts'
import { updateOf } from '../support/updates.ts'
import { clone, commit, firstPush } from '../support/working-copy.ts'
import { name, queryOf } from '../support/zones.ts'

const SECRET = Buffer.from('0123456789abcdef0123456789abcdef')
const KEYS = `[keys.load]\nsecret = "${SECRET.toString('base64')}"\nupdate = ["."]\n`
const KEY: Key = { name: name('load.'), algorithm: 'hmac-sha256', secret: SECRET, grants: [] }
const ZONE = '; kept\n$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1 ; here\n; below\n'
const FILE = 'zones/example.org'

/** Adds hosts one after another until they are all there or the server is gone; gives those that were acknowledged. */
async function addHosts(
  port: number,
  hosts: readonly string[],
  answered: (host: string, rcode: number | undefined) => void = () => undefined,
): Promise<string[]> {
  const made: string[] = []
  const client = await UpdateClient.open(port, KEY)
  await client.sendAll(
    hosts,
    (host) => updateOf('example.org.', [`add ${host}.example.org. 60 A 192.0.2.9`]),
    (host, rcode) => {
      if (rcode === RCODE.NOERROR) made.push(host)
      answered(host, rcode)
    },
  )
  client.close()
  return made
}

async function until(what: string, limitMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

async function fileIn(repository: string): Promise<string> {
  const shown = await git(['-C', repository, 'show', `main:${FILE}`])
  return shown.code === 0 ? shown.stdout : ''
}

const missingFrom = (text: string, hosts: readonly string[]): readonly string[] => {
  const there = new Set(text.split('\n').map((line) => line.split(/\s/)[0]))
  return hosts.filter((host) => !there.has(host))
}

peerTest(
  'git',
  'power cuts while the remote comes and goes: all that was acknowledged is there, and in the remote',
  async () => {
    const folder = tempDir('cuts')
    const remote = join(folder, 'remotes', 'zones.git')
    await gitOk(['init', '-q', '--bare', '-b', 'main', remote])
    let backend: GitHttpBackend | undefined = await gitHttpBackend(join(folder, 'remotes'))
    const { port: remotePort, url } = backend
    const start = (): Promise<DnsChild> =>
      spawnDns(folder, KEYS, { store: `remote = "${url}/zones.git"\npull = "1s"` })
    let child = await start()
    await firstPush(child.url, { [FILE]: ZONE })
    const made: string[] = []
    for (let round = 0; round < 4; round++) {
      if (backend === undefined)
        backend = await gitHttpBackend(join(folder, 'remotes'), { port: remotePort })
      else {
        await backend.close()
        backend = undefined
      }
      // The power goes with half of them answered, whatever the machine's speed.
      let answers = 0
      let cut: Promise<void> | undefined
      const hosts = Array.from({ length: 2000 }, (_, i) => `r${round}-${i}`)
      made.push(
        ...(await addHosts(child.port, hosts, () => {
          if (++answers === 30 + 20 * round) cut = killDns(child)
        })),
      )
      await cut
      child = await start()
    }
    backend ??= await gitHttpBackend(join(folder, 'remotes'), { port: remotePort })
    try {
      expect(made.length).toBeGreaterThan(100)
      const missing: string[] = []
      for (const host of made) {
        const answer = await askUdp(child.port, queryOf(`${host}.example.org. A`))
        if (answer?.readUInt16BE(6) !== 1) missing.push(host)
      }
      expect(missing).toEqual([])
      child.process.kill('SIGHUP')
      await until('all in the remote', 40_000, async () => {
        return missingFrom(await fileIn(remote), made).length === 0
      })
      expect(await fileIn(remote)).toContain('ns A 192.0.2.1 ; here')
    } finally {
      await killDns(child, 'SIGTERM')
      await backend.close()
    }
    for (const repository of [remote, join(folder, 'zones.git')])
      await gitOk(['-C', repository, 'fsck', '--strict'])
    const heads = [remote, join(folder, 'zones.git')].map((at) =>
      gitOk(['-C', at, 'rev-parse', 'main']),
    )
    expect(new Set(await Promise.all(heads)).size).toBe(1)
  },
  120_000,
)

peerTest(
  'git',
  'updates at two servers and pushes to their remote: all ends equal, no change is lost, serials rise',
  async () => {
    const folder = tempDir('writers')
    const remote = join(folder, 'remote.git')
    await gitOk(['init', '-q', '--bare', '-b', 'main', remote])
    const seed = await firstPush(remote, { [FILE]: ZONE })
    const store = `remote = "${remote}"\npull = "1s"`
    const servers = await Promise.all(
      ['a', 'b'].map(async (at) => await startDns(join(folder, `${at}.git`), KEYS, store)),
    )
    try {
      const serials = servers.map(() => [] as number[])
      const look = async (): Promise<void> => {
        for (const [i, { port }] of servers.entries()) {
          const answer = await askUdp(port, queryOf('example.org. SOA'))
          const read = answer && decodeMessage(answer)
          const soa = read?.ok === true ? read.value.answers[0]?.rdata : undefined
          if (soa === undefined) continue
          const serial = Buffer.from(soa).readUInt32BE(soa.length - 20)
          if (serials[i]!.at(-1) !== serial) serials[i]!.push(serial)
        }
      }
      await until('both serve', 20_000, async () => {
        await look()
        return serials.every((seen) => seen.length > 0)
      })
      const hosts = (at: string) => Array.from({ length: 60 }, (_, i) => `${at}${i}`)
      const pushes = async (): Promise<string[]> => {
        const pushed: string[] = []
        for (let i = 0; i < 4; i++) {
          await until('a push goes through', 30_000, async () => {
            await gitOk(['fetch', '-q'], { cwd: seed })
            await gitOk(['reset', '-q', '--hard', 'origin/main'], { cwd: seed })
            const text = await gitOk(['show', `HEAD:${FILE}`], { cwd: seed })
            await commit(seed, { [FILE]: text.replace('; below', `p${i} A 192.0.2.8\n; below`) })
            return (await git(['push', '-q'], { cwd: seed })).code === 0
          })
          pushed.push(`p${i}`)
        }
        return pushed
      }
      const watching = setInterval(() => void look(), 50)
      const all = await Promise.all([
        addHosts(servers[0]!.port, hosts('x')),
        addHosts(servers[1]!.port, hosts('y')),
        pushes(),
      ])
      const made = all.flat()
      expect(all.map(({ length }) => length)).toEqual([60, 60, 4])
      const headOf = async (url: string) =>
        (await gitOk(['ls-remote', url, 'refs/heads/main'])).split('\t')[0]!
      const urls = [remote, ...servers.map(({ url }) => url)]
      let text = ''
      try {
        await until('all sides are equal and have everything', 60_000, async () => {
          const heads = new Set(await Promise.all(urls.map(headOf)))
          text = await fileIn(remote)
          return heads.size === 1 && missingFrom(text, made).length === 0
        })
      } finally {
        clearInterval(watching)
      }
      await look()
      expect(text).toContain('; kept')
      expect(text).toContain('ns A 192.0.2.1 ; here')
      for (const seen of serials)
        for (const [i, serial] of seen.entries())
          if (i > 0) expect(isNewerSerial(serial, seen[i - 1]!), seen.join(' ')).toBe(true)
      const copy = await clone(remote)
      await gitOk(['fsck', '--strict'], { cwd: copy })
    } finally {
      await Promise.all(servers.map(({ running }) => running.stop()))
    }
  },
  150_000,
)

/** A file system of its own, of so many octets, for a command and what it starts; stdin fills and frees it. */
const SMALL_DISK = `mount -t tmpfs -o size=6m small "$0" || exit 3
"$@" <&- &
pid=$!
while read -r word; do case "$word" in
fill) dd if=/dev/zero of="$0/filler" bs=4096 2>/dev/null; sync; echo "is full" ;;
free) rm "$0/filler"; echo "is free" ;;
esac; done
kill $pid; wait $pid`

const unshare = peerPath('unshare')
const NAMESPACES = ['--user', '--map-root-user', '--mount']
const mayMount =
  unshare !== undefined &&
  spawnSync(unshare, [...NAMESPACES, 'mount', '-t', 'tmpfs', 'x', '/mnt']).status === 0

peerTest(
  'git',
  'a full disk: updates are answered SERVFAIL, queries go on, and with room again all goes on',
  async (context) => {
    if (!mayMount) return context.skip('this machine gives no mount namespace')
    const folder = join(tempDir('full'), 'small')
    mkdirSync(folder)
    // The configuration is read before the small disk lies over the folder: from beside it.
    const child = await spawnDns(folder, KEYS, {
      under: [unshare!, ...NAMESPACES, 'sh', '-c', SMALL_DISK, folder],
      configIn: join(folder, '..'),
    })
    const said = new Promise<void>((done) => {
      child.process.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('is full')) done()
      })
    })
    try {
      await firstPush(child.url, { [FILE]: ZONE })
      const made = await addHosts(child.port, ['before'])
      child.process.stdin!.write('fill\n')
      await said
      // What the journal's file has room for already is still taken.
      const long = Array.from(
        { length: 60 },
        (_, i) => `add t${i}.example.org. 60 TXT ${'x'.repeat(200)}`,
      )
      const client = await UpdateClient.open(child.port, KEY)
      let rcode: number | undefined = RCODE.NOERROR
      let tries = 0
      for (; rcode === RCODE.NOERROR && tries < 500; tries++)
        rcode = await client.send(
          updateOf(
            'example.org.',
            long.map((line) => line.replace('add t', `add t${tries}-`)),
          ),
        )
      expect(rcode).toBe(RCODE.SERVFAIL)
      const ask = async (host: string) => {
        const answer = await askUdp(child.port, queryOf(`${host}.example.org. A`))
        return answer?.readUInt16BE(6)
      }
      for (const host of ['ns', ...made]) expect(await ask(host)).toBe(1)
      child.process.stdin!.write('free\n')
      await until('updates are taken again', 40_000, async () => {
        made.push(...(await addHosts(child.port, ['after'])))
        return made.includes('after')
      })
      client.close()
      for (const host of made) expect(await ask(host)).toBe(1)
      const copy = await clone(child.url)
      await gitOk(['fsck', '--strict'], { cwd: copy })
      const text = await gitOk(['show', `HEAD:${FILE}`], { cwd: copy })
      expect(missingFrom(text, made)).toEqual([])
      for (let i = 0; i < tries - 1; i++) expect(text).toContain(`t${i}-0 `)
    } finally {
      const ended = new Promise((done) => child.process.once('exit', done))
      child.process.stdin!.end()
      await ended
    }
  },
  120_000,
)

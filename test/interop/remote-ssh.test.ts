// Our ssh client against an ssh server that runs stock git: pinned host keys, a deploy key, and what can go wrong.
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { describe, expect } from 'vitest'
import { ZERO_OID } from '../../store/object/oid.ts'
import { GitTransport } from '../../store/remote/git-transport.ts'
import { parseKnownHosts, type KnownHost } from '../../store/remote/known-hosts.ts'
import { SshService } from '../../store/remote/ssh.ts'
import { explainRemoteError, REMOTE_LIMITS } from '../../store/remote/transport.ts'
import { gitOk } from '../support/git.ts'
import { openHouse, until, WorkingCopy } from '../support/house.ts'
import { peerTest } from '../support/peers.ts'
import {
  makeSsh2Key,
  startSshServer,
  type SshServer,
  type SshServerOptions,
} from '../support/ssh-server.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = 'refs/heads/main'
const KEY = makeSsh2Key()

describe.concurrent('a remote over ssh', () => {
  peerTest('git', 'is followed both ways', async () => {
    const place = await makePlace()
    const work = await WorkingCopy.clone(place.bare, join(place.folder, 'work'))
    await work.commit({ 'zones/a': 'one\n' })
    await work.git('push', '-q', 'origin', 'main')
    const house = await openHouse(join(place.folder, 'own.git'), place.transport())
    house.keeper.start()
    await house.keeper.pullNow()
    expect(house.text('zones/a')).toBe('one\n')
    const tip = await house.write('zones/b', 'two\n')
    const tipThere = async (): Promise<string> =>
      await gitOk(['rev-parse', MAIN], { cwd: place.bare })
    await until('pushed', async () => (await tipThere()) === tip)
    await gitOk(['fsck', '--strict'], { cwd: place.bare })
    expect(house.log.of('remote-failing')).toEqual([])
    await house.close()
    await place.server.close()
  })

  peerTest('git', 'that is empty has no refs, whatever its path is called', async () => {
    const place = await makePlace({}, "it's here.git")
    expect(await place.transport().refs(signal())).toEqual({ ok: true, value: new Map() })
    expect(place.server.commands).toEqual(["git-upload-pack '/it'\\''s here.git'"])
    await place.server.close()
  })

  peerTest('git', 'that does not have the repository says so', async () => {
    const place = await makePlace()
    const refused = await place.transport({ path: '/other.git' }).refs(signal())
    expect(refused).toMatchObject({ ok: false, error: { kind: 'no-repository' } })
    await place.server.close()
  })

  peerTest('git', 'that does not know our key says so', async () => {
    const place = await makePlace({ allowedKey: makeSsh2Key().public })
    const refused = await place.transport().refs(signal())
    expect(refused).toMatchObject({ ok: false, error: { kind: 'denied' } })
    await place.server.close()
  })

  peerTest('git', 'that shows another host key is not talked to', async () => {
    const place = await makePlace()
    const other = makeSsh2Key().public.split(' ').slice(0, 2).join(' ')
    const knownHosts = hosts([`[127.0.0.1]:${place.server.port} ${other}`])
    const refused = await place.transport({ knownHosts }).refs(signal())
    expect(refused).toMatchObject({ ok: false, error: { kind: 'host-key' } })
    expect(!refused.ok && explainRemoteError(refused.error)).toMatch(/SHA256:\S+ is changed/)
    expect(place.server.commands).toEqual([])
    await place.server.close()
  })

  peerTest('git', 'that no line of known_hosts names is not even called', async () => {
    const place = await makePlace()
    const knownHosts = hosts([place.server.knownHostsLine.replace('127.0.0.1', '127.0.0.2')])
    const refused = await place.transport({ knownHosts }).refs(signal())
    expect(!refused.ok && explainRemoteError(refused.error)).toContain('ssh-keyscan')
    await place.server.close()
  })

  peerTest('git', 'with an ECDSA host key is known by it', async () => {
    const place = await makePlace({ hostKey: makeSsh2Key('ecdsa') })
    expect((await place.transport().refs(signal())).ok).toBe(true)
    await place.server.close()
  })

  peerTest('git', 'is not called with a key that needs a passphrase', async () => {
    const place = await makePlace()
    const encrypted = ssh2.utils.generateKeyPairSync('ed25519', {
      passphrase: 'secret',
      cipher: 'aes256-ctr',
      rounds: 16,
    })
    const refused = await place.transport({ privateKey: encrypted.private }).refs(signal())
    expect(!refused.ok && explainRemoteError(refused.error)).toContain('our key cannot be used')
    await place.server.close()
  })

  peerTest('git', 'that hangs, cuts or babbles is left with a reason', async () => {
    const place = await makePlace({
      intercept: (command, channel) => {
        if (command.includes('hang')) return true
        if (command.includes('cut')) channel.end('00')
        else if (command.includes('babble')) channel.end('Welcome to the shell!\n')
        else if (command.includes('flood')) flood(channel)
        else if (command.includes('half')) channel.write('003f', () => channel.destroy())
        else return false
        return true
      },
    })
    const kindOf = async (path: string): Promise<string> => {
      const refused = await place.transport({ path }).refs(signal())
      return refused.ok ? 'ok' : refused.error.kind
    }
    expect(await kindOf('/cut.git')).toBe('unreachable')
    expect(await kindOf('/half.git')).toBe('unreachable')
    expect(await kindOf('/babble.git')).toBe('garbage')
    expect(await kindOf('/flood.git')).toBe('too-large')
    expect(await kindOf('/hang.git')).toBe('timeout')
    await place.server.close()
  })

  peerTest('git', 'is left at once when we stop', async () => {
    const place = await makePlace({ intercept: () => true })
    const stop = new AbortController()
    const asked = place.transport({ idleMs: 60_000 }).refs(stop.signal)
    await until('asked', () => place.server.commands.length === 1)
    stop.abort()
    expect(await asked).toEqual({ ok: false, error: { kind: 'stopped' } })
    await place.server.close()
  })

  peerTest('git', 'that refuses a push over a hook gives its words', async () => {
    const place = await makePlace()
    const { chmod, writeFile } = await import('node:fs/promises')
    const hook = join(place.bare, 'hooks', 'pre-receive')
    await writeFile(hook, '#!/bin/sh\necho "not today" >&2; exit 1\n')
    await chmod(hook, 0o755)
    const house = await openHouse(join(place.folder, 'own.git'), place.transport())
    const tip = await house.write('a', '1\n')
    const pushed = await place.transport().push({
      updates: [{ name: MAIN, old: ZERO_OID, new: tip }],
      reader: house.store,
      signal: signal(),
    })
    if (!pushed.ok) throw new Error(explainRemoteError(pushed.error))
    expect(pushed.value.messages).toEqual(['not today'])
    expect(pushed.value.refused.get(MAIN)).toContain('declined')
    await house.close()
    await place.server.close()
  })
})

type TransportOptions = {
  readonly path?: string
  readonly knownHosts?: readonly KnownHost[]
  readonly privateKey?: string
  readonly idleMs?: number
}

async function makePlace(
  options: Partial<SshServerOptions> = {},
  name = 'zones.git',
): Promise<{
  folder: string
  bare: string
  server: SshServer
  transport(options?: TransportOptions): GitTransport
}> {
  const folder = tempDir('ssh')
  const bare = join(folder, name)
  await gitOk(['init', '-q', '--bare', bare])
  const server = await startSshServer({ allowedKey: KEY.public, root: folder, ...options })
  return {
    folder,
    bare,
    server,
    transport: (wish = {}) => {
      const limits = { ...REMOTE_LIMITS, idleMs: wish.idleMs ?? 2000, advertisementBytes: 100_000 }
      const path = encodeURI(wish.path ?? `/${name}`)
      const url = `ssh://git@127.0.0.1:${server.port}${path}`
      const privateKey = wish.privateKey ?? KEY.private
      const knownHosts = wish.knownHosts ?? hosts([server.knownHostsLine])
      return new GitTransport(new SshService({ url, privateKey, knownHosts, limits }), limits)
    },
  }
}

function hosts(lines: readonly string[]): readonly KnownHost[] {
  const parsed = parseKnownHosts(lines)
  if (!parsed.ok) throw new Error(parsed.error.map((p) => p.message).join())
  return parsed.value
}

function flood(channel: { write(text: string): boolean }): void {
  const line = `${'0'.repeat(39)}1 refs/heads/${'x'.repeat(100)}\n`
  const packet = (line.length + 4).toString(16).padStart(4, '0') + line
  channel.write(packet.repeat(5000))
}

function signal(): AbortSignal {
  return new AbortController().signal
}

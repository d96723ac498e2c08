// A remote on the same disk: a bare repository of stock git, or the one another store of ours has open.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { systemDisk } from '../../store/disk/disk.ts'
import { ZERO_OID } from '../../store/object/oid.ts'
import { PathTransport } from '../../store/remote/path.ts'
import { explainRemoteError } from '../../store/remote/transport.ts'
import { gitOk } from '../support/git.ts'
import { openHouse, openLocalStore, until, WorkingCopy } from '../support/house.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = 'refs/heads/main'

describe.concurrent('a remote on the same disk', () => {
  peerTest('git', 'is followed both ways, and stays a repository git likes', async () => {
    const { folder, bare } = await makePlace()
    const work = await WorkingCopy.clone(bare, join(folder, 'work'))
    for (let n = 0; n < 5; n++) await work.commit({ [`zones/${n}`]: `${n}\n`, log: `${n}\n` })
    await work.git('push', '-q', 'origin', 'main')
    await gitOk(['repack', '-adfq', '--depth=50'], { cwd: bare })
    const house = await openHouse(join(folder, 'own.git'), new PathTransport(systemDisk, bare))
    house.keeper.start()
    await house.keeper.pullNow()
    expect(house.text('zones/3')).toBe('3\n')
    for (let n = 0; n < 5; n++) await house.write(`zones/${n}`, `changed ${n}\n`)
    const tipThere = async (): Promise<string> => await gitOk(['rev-parse', MAIN], { cwd: bare })
    await until('pushed', async () => (await tipThere()) === house.head())
    await gitOk(['fsck', '--strict'], { cwd: bare })
    await work.git('pull', '-q')
    const theirs = await work.commit({ 'zones/theirs': 'x\n' })
    await work.git('push', '-q', 'origin', 'main')
    await house.keeper.pullNow()
    await until('pulled', () => house.head() === theirs)
    expect(house.log.of('remote-failing')).toEqual([])
    await house.close()
  })

  peerTest('git', 'that another store has open takes the push in', async () => {
    const { folder } = await makePlace()
    const there = join(folder, 'there.git')
    const other = await openLocalStore(there)
    const house = await openHouse(join(folder, 'own.git'), new PathTransport(systemDisk, there))
    house.keeper.start()
    await house.keeper.pullNow()
    const tip = await house.write('zones/a', 'one\n')
    await until('taken in', () => other.branch.head.commit === tip)
    const info = { message: 'b', author: { name: 'Ada', email: 'ada@example.org' } }
    const done = await other.branch.commit(info, (edit) => edit.set('zones/b', 'two\n'))
    expect(done.ok).toBe(true)
    await house.keeper.pullNow()
    await until('pulled', () => house.text('zones/b') === 'two\n')
    await house.close()
    await other.close()
    await gitOk(['fsck', '--strict'], { cwd: there })
  })

  peerTest('git', 'does not move when somebody moved it before', async () => {
    const { folder, bare } = await makePlace()
    const house = await openHouse(join(folder, 'own.git'), new PathTransport(systemDisk, bare))
    const tip = await house.write('a', '1\n')
    const work = await WorkingCopy.clone(bare, join(folder, 'work'))
    const theirs = await work.commit({ b: '2\n' })
    await work.git('push', '-q', 'origin', 'main')
    const updates = [{ name: MAIN, old: ZERO_OID, new: tip }]
    const transport = new PathTransport(systemDisk, bare)
    const request = { updates, reader: house.store, signal: new AbortController().signal }
    expect(await transport.push(request)).toMatchObject({
      ok: false,
      error: { kind: 'moved', name: MAIN, actual: theirs },
    })
    const locked = [{ name: 'refs/heads/side', old: ZERO_OID, new: tip }]
    writeFileSync(join(bare, 'refs', 'heads', 'side.lock'), '')
    const refused = await transport.push({ ...request, updates: locked })
    expect(refused.ok && refused.value.refused.get('refs/heads/side')).toContain('cannot lock')
    await house.close()
  })

  peerTest('git', 'that is none, or of another kind, is left alone and named', async () => {
    const { folder, bare } = await makePlace()
    const said = async (path: string): Promise<string> => {
      const refs = await new PathTransport(systemDisk, path).refs(new AbortController().signal)
      return refs.ok ? 'ok' : `${refs.error.kind}: ${explainRemoteError(refs.error)}`
    }
    expect(await said(bare)).toBe('ok')
    expect(await said(join(folder, 'nowhere.git'))).toMatch(/^no-repository: .*git init --bare/)
    const work = await WorkingCopy.clone(bare, join(folder, 'work'))
    expect(await said(work.folder)).toMatch(/^no-repository: .*work tree/)
    const modern = join(folder, 'sha256.git')
    await gitOk(['init', '-q', '--bare', '--object-format=sha256', modern])
    expect(await said(modern)).toMatch(/^no-repository: .*sha256/)
    const shut = join(folder, 'shut.git')
    mkdirSync(shut)
    chmodSync(shut, 0)
    // Root reads everything; for anybody else it is denied.
    expect(await said(shut)).toMatch(/^(denied|no-repository)/)
    chmodSync(shut, 0o700)
  })
})

async function makePlace(): Promise<{ folder: string; bare: string }> {
  const folder = tempDir('path')
  const bare = join(folder, 'remote.git')
  await gitOk(['init', '-q', '--bare', bare])
  return { folder, bare }
}

// Block lists in cairn-resolver as a process of its own, in its sandbox: what dig is told, and what a SIGHUP changes.
import { execFile } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { git, gitOk } from '../support/git.ts'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const MAIN = join(ROOT, 'appliances/resolver/main.ts')
const folder = tempDir('policy')
const lists = join(folder, 'lists')
const ads = join(lists, 'ads.txt')
const config = join(folder, 'resolver.toml')
const LISTED = 'address=/nas.example/192.0.2.9\n||ads.example^\n'
let port: number
let repository: string
let resolver: Running | undefined

beforeAll(async () => {
  if (!hasPeer('dig')) return
  mkdirSync(lists)
  writeFileSync(ads, LISTED)
  writeFileSync(join(lists, 'allowed.txt'), 'good.ads.example\n')
  port = await freePort()
  const [observed, web] = [await freePort(), await freePort()]
  repository = `http://127.0.0.1:${web}/policy.git`
  // Whoever is not blocked is answered here too, so that nobody is asked: by a list that gives an address.
  writeFileSync(join(lists, 'rest.txt'), 'address=/example/192.0.2.1\n')
  writeFileSync(
    config,
    `listen = ["127.0.0.1:${port}"]
[upstream]
ipv6 = false
[root]
hints = ["127.0.0.1:1"]
[policy]
block = ["${ads}", "${join(lists, 'rest.txt')}"]
allow = ["${join(lists, 'allowed.txt')}"]
[store]
path = "${join(folder, 'policy.git')}"
[store.serve]
listen = "127.0.0.1:${web}"
[observe]
listen = "127.0.0.1:${observed}"
`,
  )
  resolver = await runProgram({
    command: [process.execPath, MAIN],
    config,
    observed: `http://127.0.0.1:${observed}`,
    output: 'keep',
  })
})

afterAll(async () => {
  if (resolver !== undefined) expect(await resolver.stop(), resolver.log()).toBe(0)
})

peerTest(['dig'], 'a blocked name is denied, and dig is told which list it was', async () => {
  const said = await dig('www.ads.example')
  expect(said).toMatch(/status: NXDOMAIN/)
  expect(said).toMatch(/EDE: 15 \(Blocked\): \(blocked by ads\.txt\)/)
  expect(said).toMatch(/^ads\.example\.\s+(59|60)\s+IN\s+SOA/m)
})

peerTest(['dig'], 'an address that a list gives is answered', async () => {
  const said = await dig('www.nas.example')
  expect(said).toMatch(/status: NOERROR/)
  expect(said).toMatch(/192\.0\.2\.9/)
  expect(said).toMatch(/EDE: 15/)
})

peerTest(['dig'], 'an allowed name goes on to those who know it', async () => {
  // The root that is configured does not answer.
  const said = await dig('good.ads.example')
  expect(said).toMatch(/status: SERVFAIL/)
  expect(said).not.toMatch(/EDE: 15/)
})

peerTest(
  ['dig'],
  'SIGHUP takes a list that another file has replaced; a wrong one changes nothing',
  async () => {
    replace('||other.example^\n')
    resolver!.child.kill('SIGHUP')
    await vi.waitFor(async () => expect(await dig('other.example')).toMatch(/NXDOMAIN/), PATIENCE)
    expect(await dig('www.ads.example')).toMatch(/192\.0\.2\.1\b/)
    replace('||ads.example^\n<html>\n')
    resolver!.child.kill('SIGHUP')
    const wrong = `${ads}:2: Is no rule or name`
    await vi.waitFor(() => expect(resolver!.log()).toContain(wrong), PATIENCE)
    expect(await dig('other.example')).toMatch(/NXDOMAIN/)
    const checked = promisify(execFile)(process.execPath, [MAIN, '--config', config, '--check'])
    await expect(checked).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringContaining(wrong),
    })
  },
)

peerTest(['dig', 'git'], 'a push is live before it returns; a wrong line is refused', async () => {
  const copy = await firstPush(repository, {
    'policy/block/social': '||social.example^\n',
    'policy/hosts/house': '192.0.2.77 printer.home.arpa\n',
  })
  expect(await dig('www.social.example')).toMatch(/EDE: 15 \(Blocked\): \(blocked by social\)/)
  expect(await dig('printer.home.arpa')).toMatch(/192\.0\.2\.77/)
  await commit(copy, { 'policy/block/social': '||social.example^\n<html>\n' })
  const refused = await git(['push', 'origin', 'HEAD:main'], { cwd: copy })
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain('policy/block/social:2: Is no rule or name: "<html>"')
  await gitOk(['reset', '-q', '--hard', 'HEAD~1'], { cwd: copy })
  await commit(copy, { 'policy/block/social': 'other.example\n' })
  await gitOk(['push', '-q', 'origin', 'HEAD:main'], { cwd: copy })
  expect(await dig('www.social.example')).not.toMatch(/EDE: 15 \(Blocked\): \(blocked by social\)/)
})

peerTest(['dig', 'git'], 'a policy zone of the branch holds at once, by UDP and TCP', async () => {
  const copy = join(tempDir('policy-zone'), 'copy')
  await gitOk(['clone', '-q', repository, copy])
  const zone = (more: string): string =>
    `$TTL 60\n@ SOA ns.invalid. nobody.invalid. 1 3600 600 86400 60\nbad.org CNAME .\nwalled.org A 192.0.2.66\nslow.org CNAME rpz-tcp-only.\nsilent.org CNAME rpz-drop.\n${more}`
  await commit(copy, { 'policy/rpz/house': zone('') })
  await gitOk(['push', '-q', 'origin', 'HEAD:main'], { cwd: copy })
  const blocked = await dig('bad.org')
  expect(blocked).toMatch(/status: NXDOMAIN/)
  expect(blocked).toMatch(/EDE: 15 \(Blocked\): \(blocked by house\)/)
  expect(await dig('walled.org')).toMatch(/^walled\.org\.\s+(?:59|60)\s+IN\s+A\s+192\.0\.2\.66$/m)
  expect(await dig('slow.org', '+ignore')).toMatch(/flags: [a-z ]*\btc\b/)
  // By TCP it goes on to those who know it, of whom nobody answers.
  expect(await dig('slow.org')).toMatch(/status: SERVFAIL/)
  await expect(dig('silent.org', '+time=1')).rejects.toMatchObject({ code: 9 })
  await commit(copy, { 'policy/rpz/house': zone('worse.org CNAME rpz-paasthru.\n') })
  const refused = await git(['push', 'origin', 'HEAD:main'], { cwd: copy })
  expect(refused.stderr).toContain('policy/rpz/house:7: Is no action: rpz-paasthru.')
})

const PATIENCE = { timeout: 20_000, interval: 100 }

/** As a program does that fetches lists: never half a file. */
function replace(text: string): void {
  writeFileSync(`${ads}.new`, text)
  renameSync(`${ads}.new`, ads)
}

async function dig(name: string, ...more: readonly string[]): Promise<string> {
  const args = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=15', ...more, name]
  return (await promisify(execFile)(peerPath('dig')!, args)).stdout
}

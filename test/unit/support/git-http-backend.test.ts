// The bridge itself, with stock git on both sides: what it says about our client has to be trusted.
import { join } from 'node:path'
import { expect } from 'vitest'
import { gitOk, git } from '../../support/git.ts'
import { gitHttpBackend } from '../../support/git-http-backend.ts'
import { peerTest } from '../../support/peers.ts'
import { tempDir } from '../../support/temp.ts'

peerTest('git', 'stock git clones from and pushes to a repository behind the bridge', async () => {
  const root = tempDir('backend')
  await gitOk(['init', '-q', '--bare', 'zones.git'], { cwd: root })
  const server = await gitHttpBackend(root)
  const url = `${server.url}/zones.git`
  const work = join(root, 'work')
  await gitOk(['clone', '-q', url, work])
  await gitOk(['commit', '-q', '--allow-empty', '-m', 'first'], { cwd: work })
  await gitOk(['push', '-q', 'origin', 'main'], { cwd: work })
  expect(await gitOk(['ls-remote', url, 'refs/heads/main'])).toContain('refs/heads/main')
  expect(server.requests.some((line) => line.startsWith('POST /zones.git/git-receive-pack'))).toBe(
    true,
  )
  await server.close()
})

peerTest('git', 'a bridge with a user turns away everybody else', async () => {
  const root = tempDir('backend')
  await gitOk(['init', '-q', '--bare', 'zones.git'], { cwd: root })
  const server = await gitHttpBackend(root, { user: { name: 'ada', password: 'secret' } })
  const refused = await git(['ls-remote', `${server.url}/zones.git`])
  expect(refused.code).not.toBe(0)
  const [scheme, rest] = server.url.split('//')
  await gitOk(['ls-remote', `${scheme}//ada:secret@${rest}/zones.git`])
  await server.close()
})

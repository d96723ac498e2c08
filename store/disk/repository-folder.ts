// A bare git repository as a folder: made when it is not there, checked before it is trusted, and ours alone while open.
import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { Fatal } from '../../shared/result/result.ts'
import { errorCode, type Disk } from './disk.ts'

/** Everything stated, because newer git creates sha256 and reftable repositories when nothing is. */
const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	logallrefupdates = true
`

/** `extensions.*` that change nothing for who reads and adds objects and refs the classic way. */
const KNOWN_EXTENSIONS = new Set(['noop', 'noop-v1', 'worktreeconfig'])

/** What a kill may leave of a repository being made. */
const OURS = new Set(['objects', 'refs', 'config', 'HEAD', 'cairn'])

/** Clocks are set a little while a machine starts. */
const BOOT_SLACK_MS = 60_000

export function prepareRepository(disk: Disk, gitDir: string, branch: string): void {
  if (disk.stamp(join(gitDir, '.git')) !== undefined) {
    throw new Fatal(
      `${gitDir} is a work tree; the store needs a bare repository: git clone --bare ${gitDir} ${gitDir}.git`,
    )
  }
  if (isUnfinished(disk, gitDir) && disk.list(gitDir).some((name) => !OURS.has(name))) {
    throw new Fatal(
      `${gitDir} is a folder with other things in it, and no repository; name one that is empty or not there yet`,
    )
  }
  try {
    if (isUnfinished(disk, gitDir)) create(disk, gitDir, branch)
  } catch (error) {
    throw new Fatal(`${gitDir}: cannot make a repository there (${errorCode(error)})`, {
      cause: error,
    })
  }
  checkFormat(disk, gitDir)
}

/** Inodes of the locks this process holds. */
const heldHere = new Set<number>()

/** Keeps a second appliance off the repository; a lock whose process is gone is taken over. Returns the release. */
export function lockRepository(disk: Disk, gitDir: string): () => void {
  const path = join(gitDir, 'cairn', 'lock')
  disk.makeFolder(join(gitDir, 'cairn'))
  const mine = `${process.pid} ${startOf(process.pid)}\n`
  for (let tries = 0; tries < 3; tries++) {
    try {
      disk.createExclusive(path, Buffer.from(mine))
      return holdLock(disk, path)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') {
        throw new Fatal(`${gitDir}: cannot write there (${errorCode(error)})`, { cause: error })
      }
    }
    const holder = holderOf(disk, path)
    if (holder !== undefined) {
      throw new Fatal(`${gitDir} is in use by process ${holder}; stop it first (lock: ${path})`)
    }
    disk.remove(path)
  }
  throw new Fatal(`${gitDir}: somebody keeps taking the lock ${path}`)
}

function holdLock(disk: Disk, path: string): () => void {
  const inode = disk.stamp(path)?.ino ?? 0
  heldHere.add(inode)
  return () => {
    heldHere.delete(inode)
    disk.remove(path)
  }
}

/** The process that holds a lock, if it is still there. */
function holderOf(disk: Disk, path: string): number | undefined {
  const stamp = disk.stamp(path)
  const [pidText, start] = textOf(disk, path).trim().split(' ')
  const pid = Number(pidText)
  if (stamp === undefined || !isAlive(pid)) return undefined
  // In a container we have the number that the one before us had.
  if (pid === process.pid) return heldHere.has(stamp.ino) ? pid : undefined
  const startNow = startOf(pid)
  if (start !== undefined && startNow !== '') return start === startNow ? pid : undefined
  // The number alone must do, unless the machine was started since.
  return stamp.mtimeMs < Date.now() - uptime() * 1000 - BOOT_SLACK_MS ? undefined : pid
}

function create(disk: Disk, gitDir: string, branch: string): void {
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
    disk.makeFolder(join(gitDir, folder))
  }
  for (const name of ['config', 'HEAD']) {
    // What a kill cut short in an earlier attempt.
    if (CONFIG.startsWith(textOf(disk, join(gitDir, name)))) disk.remove(join(gitDir, name))
  }
  disk.createExclusive(join(gitDir, 'config'), Buffer.from(CONFIG))
  // HEAD last: its presence is what makes the folder a repository.
  disk.createExclusive(join(gitDir, 'HEAD'), Buffer.from(`ref: refs/heads/${branch}\n`))
}

function isUnfinished(disk: Disk, gitDir: string): boolean {
  return textOf(disk, join(gitDir, 'HEAD')) === ''
}

function textOf(disk: Disk, path: string): string {
  return disk.read(path)?.toString('utf8') ?? ''
}

export function checkFormat(disk: Disk, gitDir: string): void {
  const text = textOf(disk, join(gitDir, 'config'))
  const section = /^\s*\[extensions\]\s*$([^[]*)/im.exec(text)?.[1] ?? ''
  for (const [, name, value] of section.matchAll(/^\s*([A-Za-z0-9-]+)\s*=?\s*(.*?)\s*$/gm)) {
    const key = name!.toLowerCase()
    if (KNOWN_EXTENSIONS.has(key)) continue
    if (key === 'objectformat' && value === 'sha1') continue
    if (key === 'refstorage' && value === 'files') continue
    throw new Fatal(
      `${gitDir}/config: extensions.${name} = ${value} is not understood here; ` +
        'make a copy with: git init --bare --object-format=sha1 --ref-format=files NEW, then push to it',
    )
  }
  for (const folder of ['refs', 'objects']) {
    if (disk.isFolder(join(gitDir, folder))) continue
    throw new Fatal(`${gitDir} is not a git repository: it has no ${folder} folder`)
  }
}

/** Whether a process of that number is there, whoever's it is. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

/** When the kernel started the process, so that a reused number does not look like its old owner; '' where /proc is shut. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    // No /proc (another system), or not ours to read (Node's permission model).
    return ''
  }
}

// The project's own files and who imports whom, for the tests that watch over the shape of the tree.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const ROOT: string = join(import.meta.dirname, '..', '..')
const SOURCE_FOLDERS = ['appliances', 'acme', 'store', 'shared', 'tools', 'test']

/** Paths of our TypeScript files, relative to the root, sorted. */
export function sourceFiles(folders: readonly string[] = SOURCE_FOLDERS): string[] {
  return folders.flatMap((folder) =>
    existsSync(join(ROOT, folder))
      ? readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.ts'))
          .map((file) => `${folder}/${file}`)
          .sort()
      : [],
  )
}

/** Every file under version control or about to be: what is on disk and not ignored. */
export function trackedFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: ROOT })
  return listed
    .toString()
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(ROOT, file)))
}

export function readSource(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

export type Import = {
  /** Path from the root, `node:fs`, or a package's name. */
  readonly target: string
  /** `import type`: gone at run time. */
  readonly type: boolean
}

/** Every import and re-export of a file, static and dynamic, as it is written. */
export function importsOf(file: string): Import[] {
  return [...readSource(file).matchAll(IMPORT)].map(({ groups }) => {
    const path = (groups!['from'] ?? groups!['bare'] ?? groups!['dynamic'])!
    const target = path.startsWith('.') ? join(dirname(file), path) : packageName(path)
    return { target, type: groups!['type'] !== undefined }
  })
}

/** `isomorphic-git/http/node` → `isomorphic-git`; `node:` names stay as they are. */
function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const IMPORT =
  /^(?:import|export) (?<type>type )?[\w\s{},*$]*? from '(?<from>[^']+)'|^import '(?<bare>[^']+)'|\bimport\('(?<dynamic>[^']+)'\)/gm

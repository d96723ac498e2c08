// The files of an appliance's web page: in a bundle one text that tools/bundle.ts puts there, from source the files themselves,
// their types stripped, under the paths they have in the tree.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Path below the page's own folder (`-/`), and the text; the page itself is `''`. */
type WebFiles = { readonly [path: string]: string }

/** Set when the appliance is bundled. */
declare const WEB_ASSETS: string | undefined

type Asset = { readonly headers: { readonly [name: string]: string }; readonly body: string }

export type AssetReply = {
  readonly status: 200 | 304
  readonly headers: Asset['headers']
  /** None with 304. */
  readonly body?: string
}

export class WebAssets {
  readonly #assets: ReadonlyMap<string, Asset>

  /** `folder` holds `page.ts`, `page.html` and `page.css`, where the appliance runs from source. */
  constructor(folder: string) {
    const files =
      typeof WEB_ASSETS === 'undefined' ? sourceFiles(folder) : (JSON.parse(WEB_ASSETS) as WebFiles)
    this.#assets = new Map(Object.entries(files).map(([path, body]) => [path, asset(path, body)]))
  }

  /** Undefined where there is none. */
  get(path: string, ifNoneMatch: string | undefined): AssetReply | undefined {
    const found = this.#assets.get(path)
    if (found === undefined) return undefined
    const { headers, body } = found
    return ifNoneMatch === headers['etag']
      ? { status: 304, headers }
      : { status: 200, headers, body }
  }
}

function asset(path: string, body: string): Asset {
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const type = path === '' ? 'text/html' : path.endsWith('.css') ? 'text/css' : 'text/javascript'
  return {
    body,
    headers: {
      etag,
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    },
  }
}

/** The page with all its script imports, the latter found by walking through them. */
function sourceFiles(folder: string): WebFiles {
  const root = join(import.meta.dirname, '..', '..')
  const entry = join(folder, 'page.ts')
  const scripts = new Map<string, string>()
  const queue: Script[] = [{ file: entry, path: relative(root, entry) }]
  for (let script = queue.pop(); script !== undefined; script = queue.pop()) {
    const { file, path } = script
    if (scripts.has(path)) continue
    const text = readFileSync(file, 'utf8')
    const code = file.endsWith('.ts') ? withPaths(stripTypeScriptTypes(text), path, queue) : text
    scripts.set(path, code)
    for (const [, from, alone] of code.matchAll(IMPORT)) {
      const target = from ?? alone!
      const next = { file: join(dirname(file), target), path: join(dirname(path), target) }
      const isPackage = next.path.startsWith(PACKAGES) && !path.startsWith(PACKAGES)
      if (!isPackage) queue.push(next)
    }
  }
  return {
    '': readFileSync(join(folder, 'page.html'), 'utf8'),
    'page.css': readFileSync(join(folder, 'page.css'), 'utf8'),
    'page.js': `import './${relative(root, entry)}'\n`,
    ...Object.fromEntries(scripts),
  }
}

/** `path` is the one a browser asks for, below the page's own folder. */
type Script = { readonly file: string; readonly path: string }

/** Packages by a path of their own, as a browser knows no names; the module system says where they are. */
function withPaths(code: string, path: string, queue: Script[]): string {
  return code.replaceAll(PACKAGE, (_, name: string) => {
    const file = fileURLToPath(import.meta.resolve(name))
    const script = { file, path: `${PACKAGES}${name}/${basename(file)}` }
    queue.push(script)
    return `from '${relative(dirname(path), script.path)}'`
  })
}

const PACKAGES = 'packages/'
const PACKAGE = /(?<=^import\s[^'"]*?)from '([a-z][^']*)'/gm
const IMPORT = /^(?:import|export)\s[^'"]*?from '(\.[^']+)'|^import '(\.[^']+)'/gm
/** Scripts, styles and requests of this origin, and nothing else at all. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

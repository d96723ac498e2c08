// One esbuild bundle per appliance: everything it uses in one ES module, and the list of what that is.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build, transform, type BuildOptions, type BuildResult, type Metafile } from 'esbuild'

export type Bundle = {
  readonly name: string
  readonly code: Uint8Array
  readonly metafile: Metafile
}

const ROOT = join(import.meta.dirname, '..')

/** Appliances that can be built: folders of appliances/ with a main.ts. */
export function applianceNames(): string[] {
  return globSync('appliances/*/main.ts', { cwd: ROOT })
    .map((file) => basename(dirname(file)))
    .sort()
}

export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  return manifest.version
}

/** Bundles in memory; the same sources give the same bytes. Throws with esbuild's own messages. */
export async function bundleAppliance(name: string, minify: boolean): Promise<Bundle> {
  const entry = `appliances/${name}/main.ts`
  const outfile = `dist/cairn-${name}.mjs`
  const workers = await bundleWorkers(name, minify)
  const web = await bundleWeb(name, minify)
  const define = { ...workers.define, ...web.define }
  const plain = await run({ entry, outfile, minify, define })
  // A CommonJS package calls `require` for Node's own modules; an ES module has to make that first.
  const requires = Object.values(plain.metafile.outputs).some((output) =>
    output.imports.some((edge) => edge.kind === 'require-call'),
  )
  const result = requires
    ? await run({ entry, outfile, minify, define, banner: REQUIRE_BANNER })
    : plain
  const metafile = {
    inputs: { ...workers.metafile.inputs, ...web.inputs, ...result.metafile.inputs },
    outputs: { ...workers.metafile.outputs, ...result.metafile.outputs },
  }
  return { name, code: result.outputFiles[0]!.contents, metafile }
}

/**
 * A thread starts from a file of its own, which neither a bundle of one file nor a single executable has: its code is put
 * into the bundle as a text, `plane/packet-worker.ts` as PACKET_WORKER_CODE.
 */
async function bundleWorkers(
  name: string,
  minify: boolean,
): Promise<{ define: { [word: string]: string }; metafile: Metafile }> {
  const metafile: Metafile = { inputs: {}, outputs: {} }
  const define: { [word: string]: string } = {}
  for (const entry of globSync(`appliances/${name}/*/*-worker.ts`, { cwd: ROOT }).sort()) {
    const word = basename(entry, '.ts')
    const result = await run({ entry, outfile: `dist/meta/${word}.mjs`, minify, define: {} })
    define[`${word.replaceAll('-', '_').toUpperCase()}_CODE`] = JSON.stringify(
      result.outputFiles[0]!.text,
    )
    Object.assign(metafile.inputs, result.metafile.inputs)
    Object.assign(metafile.outputs, result.metafile.outputs)
  }
  return { define, metafile }
}

/** The page of an appliance that has one, `web/page.ts` with its style and its HTML, as WEB_ASSETS. */
async function bundleWeb(
  name: string,
  minify: boolean,
): Promise<{ define: { [word: string]: string }; inputs: Metafile['inputs'] }> {
  const folder = join(ROOT, 'appliances', name, 'web')
  if (!existsSync(join(folder, 'page.ts'))) return { define: {}, inputs: {} }
  const script = await build({
    absWorkingDir: ROOT,
    entryPoints: [`appliances/${name}/web/page.ts`],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2023',
    minify,
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'silent',
  })
  const style = await transform(readFileSync(join(folder, 'page.css'), 'utf8'), {
    loader: 'css',
    minify,
  })
  const files = {
    '': readFileSync(join(folder, 'page.html'), 'utf8'),
    'page.css': style.code,
    'page.js': script.outputFiles[0]!.text,
  }
  const text = JSON.stringify(JSON.stringify(files))
  return { define: { WEB_ASSETS: text }, inputs: script.metafile.inputs }
}

function run(options: {
  readonly entry: string
  readonly outfile: string
  readonly minify: boolean
  readonly define: { readonly [word: string]: string }
  readonly banner?: string
}): Promise<BuildResult<BuildOptions & { write: false; metafile: true }>> {
  const { entry, outfile, minify, define, banner = '' } = options
  return build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    minify,
    legalComments: 'none',
    charset: 'utf8',
    banner: { js: banner },
    define: { ...define, 'process.env.CAIRN_VERSION': JSON.stringify(packageVersion()) },
    // Optional: loaded only when an ssh:// remote is configured.
    external: ['ssh2'],
    logLevel: 'silent',
  })
}

const REQUIRE_BANNER =
  "import { createRequire as makeRequire } from 'node:module';const require = makeRequire(import.meta.url);"

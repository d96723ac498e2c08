// One esbuild bundle per appliance: everything it uses in one ES module, and the list of what that is.
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build, type BuildOptions, type BuildResult, type Metafile } from 'esbuild'

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
  const plain = await run(name, minify)
  // A CommonJS package calls `require` for Node's own modules; an ES module has to make that first.
  const requires = Object.values(plain.metafile.outputs).some((output) =>
    output.imports.some((edge) => edge.kind === 'require-call'),
  )
  const result = requires ? await run(name, minify, REQUIRE_BANNER) : plain
  return { name, code: result.outputFiles[0]!.contents, metafile: result.metafile }
}

function run(
  name: string,
  minify: boolean,
  banner = '',
): Promise<BuildResult<BuildOptions & { write: false; metafile: true }>> {
  return build({
    absWorkingDir: ROOT,
    entryPoints: [`appliances/${name}/main.ts`],
    outfile: `dist/cairn-${name}.mjs`,
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
    define: { 'process.env.CAIRN_VERSION': JSON.stringify(packageVersion()) },
    // Optional: loaded only when an ssh:// remote is configured.
    external: ['ssh2'],
    logLevel: 'silent',
  })
}

const REQUIRE_BANNER =
  "import { createRequire as makeRequire } from 'node:module';const require = makeRequire(import.meta.url);"

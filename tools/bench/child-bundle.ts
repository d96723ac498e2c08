// A program of the benchmarks as one plain JavaScript file: it starts as a deployed appliance would, without stripping
// types from two hundred sources, and stays the same while sources change.
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '..', '..')

/** Path of the bundle of tools/bench/<name>.ts, in dist/ where packages are found. */
export async function bundleChild(name: string): Promise<string> {
  const outfile = join(ROOT, 'dist', 'bench', `${name}-${process.pid}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  })
  return outfile
}

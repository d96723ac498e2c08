// Builds dist/cairn-<name>.mjs for every appliance, and with --binary a single executable beside it.
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { applianceNames, bundleAppliance, type Bundle } from './bundle.ts'

const USAGE = `usage: npm run build -- [--binary] [--readable] [--out FOLDER] [appliance ...]

  --binary    also a single executable with Node inside (about 150 MB, 10 s each)
  --readable  do not minify
  --out       where to put it all (default: dist)
`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    binary: { type: 'boolean', default: false },
    readable: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, '..', 'dist') },
    help: { type: 'boolean', default: false },
  },
})
const known = applianceNames()
const unknown = positionals.filter((name) => !known.includes(name))
if (options.help || unknown.length > 0) {
  for (const name of unknown)
    console.error(`no appliance "${name}"; there are: ${known.join(', ')}`)
  console.error(USAGE)
  process.exit(options.help ? 0 : 64)
}

mkdirSync(join(options.out, 'meta'), { recursive: true })
for (const name of positionals.length > 0 ? positionals : known) {
  const bundle = await bundleAppliance(name, !options.readable)
  const file = join(options.out, `cairn-${name}.mjs`)
  writeFileSync(file, bundle.code)
  writeFileSync(join(options.out, 'meta', `${name}.json`), JSON.stringify(bundle.metafile, null, 1))
  console.log(describeBundle(bundle, file))
  if (options.binary) console.log(await makeBinary(name, file, options.out))
}

function describeBundle(bundle: Bundle, file: string): string {
  const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000)} kB`
  const files = Object.keys(bundle.metafile.inputs).length
  return `${file}  ${kilobytes(bundle.code.length)} (${kilobytes(gzipSync(bundle.code).length)} gzip, ${files} files)`
}

/** `node --build-sea`: a copy of the running Node with the bundle inside. */
async function makeBinary(name: string, bundle: string, folder: string): Promise<string> {
  const output = join(folder, `cairn-${name}`)
  const config = join(folder, 'meta', `${name}-sea.json`)
  const settings = {
    main: bundle,
    mainFormat: 'module',
    output,
    disableExperimentalSEAWarning: true,
  }
  writeFileSync(config, JSON.stringify(settings))
  rmSync(output, { force: true })
  await promisify(execFile)(process.execPath, ['--build-sea', config])
  chmodSync(output, 0o755)
  return `${output}  ${Math.round(statSync(output).size / 1e6)} MB`
}

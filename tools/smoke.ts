// Runs what `npm run build` made, as a user would: version, help, a start with sample content, an answer, a clean end.
import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { packageVersion } from './bundle.ts'
import { HOUSE, type HouseAppliance } from './house.ts'
import { freePort, runProgram } from './running.ts'

const DEFAULT_FOLDER = join(import.meta.dirname, '..', 'dist')

const LOOPBACK = /127\.0\.0\.1:\d+/g
const { values } = parseArgs({ options: { from: { type: 'string', default: DEFAULT_FOLDER } } })
const programs = globSync(['cairn-*.mjs', 'cairn-*'], { cwd: values.from })
if (programs.length === 0) throw new Error(`nothing in ${values.from}: run npm run build first`)
for (const program of [...new Set(programs)].sort()) {
  const name = basename(program, '.mjs').replace('cairn-', '')
  const appliance = HOUSE.find((each) => each.name === name)
  if (appliance === undefined)
    throw new Error(`${program}: nothing in tools/house.ts says how to try it`)
  const path = join(values.from, program)
  await smoke(appliance, program.endsWith('.mjs') ? [process.execPath, path] : [path])
  console.log(`ok  ${program}`)
}

async function smoke(appliance: HouseAppliance, command: [string, ...string[]]): Promise<void> {
  const [file, ...args] = command
  const version = await promisify(execFile)(file, [...args, '--version'])
  expect(version.stdout.includes(packageVersion()), `--version says ${version.stdout.trim()}`)
  const help = await promisify(execFile)(file, [...args, '--help'])
  expect(help.stdout.includes('--config'), '--help does not name --config')

  const folder = mkdtempSync(join(tmpdir(), 'cairn-smoke-'))
  try {
    const config = join(folder, `${appliance.name}.toml`)
    const written = appliance.configuration(folder)
    const ports: number[] = []
    for (const _ of written.matchAll(LOOPBACK)) ports.push(await freePort())
    let next = 0
    const text = written.replaceAll(LOOPBACK, () => `127.0.0.1:${ports[next++]}`)
    writeFileSync(config, text)
    await appliance.seed(folder)
    await promisify(execFile)(file, [...args, '--config', config, '--check'])
    const startMs = performance.now()
    const running = await runProgram({
      command,
      config,
      observed: `http://127.0.0.1:${ports.at(-1)}`,
      output: 'keep',
    })
    try {
      console.log(`    up after ${Math.round(performance.now() - startMs)} ms`)
      const wrong = await appliance.probe(ports[0]!, folder)
      expect(wrong === undefined, `${wrong}`)
      const metrics = await fetch(`http://127.0.0.1:${ports.at(-1)}/metrics`)
      expect((await metrics.text()).trimEnd().endsWith('# EOF'), 'no metrics')
    } finally {
      const how = await running.stop()
      expect(how === 0, `ended with ${how}\n${running.log()}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openReadyWatch } from '../../../../shared/native/ready-watch.ts'
import { peerPath } from '../../../support/peers.ts'
import { ROOT } from '../../../support/source-tree.ts'
import { tempDir } from '../../../support/temp.ts'

/** The two ends of a pipe that has a name. */
function openFifo(): { readonly input: number; readonly output: number; close(): void } {
  const path = join(tempDir('ready-watch'), 'fifo')
  execFileSync(peerPath('mkfifo')!, [path])
  const input = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const output = openSync(path, constants.O_WRONLY)
  return { input, output, close: () => [input, output].forEach((fd) => closeSync(fd)) }
}

test('each that has something is called, as long as it has, and none after it was stopped', async () => {
  const watch = (await openReadyWatch((cause) => expect.fail(cause.message)))!
  const [first, second] = [openFifo(), openFifo()]
  const came: string[] = []
  const room = Buffer.alloc(1)
  const watched = [first, second].map(({ input }, i) =>
    watch.add(input, () => {
      readSync(input, room)
      came.push(`${i}${room.toString()}`)
    }),
  )
  writeSync(first.output, 'ab')
  writeSync(second.output, 'c')
  await expect.poll(() => came.toSorted()).toEqual(['0a', '0b', '1c'])
  watched[0]!.stop()
  watched[0]!.stop()
  writeSync(first.output, 'x')
  writeSync(second.output, 'd')
  await expect.poll(() => came.at(-1)).toBe('1d')
  expect(came).not.toContain('0x')
  watched[1]!.stop()
  await watch.close()
  for (const each of [first, second]) each.close()
})

test('what a callback throws is told, and the program goes on', async () => {
  const faults: string[] = []
  const watch = (await openReadyWatch((cause) => void faults.push(cause.message)))!
  const { input, output, close } = openFifo()
  const watched = watch.add(input, () => {
    readSync(input, Buffer.alloc(1))
    throw new Error('a fault of ours')
  })
  writeSync(output, 'ab')
  await expect.poll(() => faults).toEqual(['a fault of ours', 'a fault of ours'])
  watched.stop()
  await watch.close()
  close()
})

/** How `program` ends, whose input has one octet after a while. */
function ended(program: string): unknown {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', '(sleep 0.5; printf x) | "$@"', 'sh', process.execPath, ...args],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  )
  return { status, stderr }
}

const IMPORT = `import { openReadyWatch } from ${JSON.stringify(join(ROOT, 'shared/native/ready-watch.ts'))}`

test('what waits for a promise goes on, with no other event', () => {
  const program = `${IMPORT}
    const watch = await openReadyWatch(() => {})
    const came = new Promise((done) => {
      const watched = watch.add(0, () => {
        watched.stop()
        done()
      })
    })
    setInterval(() => {}, 600_000)
    await came
    process.exit(71)`
  expect(ended(program)).toEqual({ status: 71, stderr: '' })
})

test('a process may end within a callback, with its own code', () => {
  const program = `${IMPORT}
    const watch = await openReadyWatch(() => {})
    watch.add(0, () => process.exit(70))
    setInterval(() => {}, 1000)`
  expect(ended(program)).toEqual({ status: 70, stderr: '' })
})

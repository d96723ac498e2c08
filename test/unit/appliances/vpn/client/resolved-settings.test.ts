// The tunnel's DNS servers where systemd-resolved answers: what it is told over D-Bus, here by a bus of the test's own that keeps
// what comes; and that a real bus takes it for messages.
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { ResolvedSettings } from '../../../../../appliances/vpn/client/resolved-settings.ts'
import { callBus } from '../../../../../appliances/vpn/client/system-bus.ts'
import {
  encodeCall,
  HELLO,
  messageOctets,
  readAnswer,
} from '../../../../../appliances/vpn/core/resolved/bus-messages.ts'
import {
  isResolvedFile,
  revertCall,
  setCalls,
} from '../../../../../appliances/vpn/core/resolved/link-calls.ts'
import { silentLog, type Log } from '../../../../../shared/log/log.ts'
import { peerPath, peerTest } from '../../../../support/peers.ts'
import { tempDir } from '../../../../support/temp.ts'

/** A reply, or a fault, to call `serial`: no body. */
function answerTo(serial: number, fault?: string): Uint8Array {
  const name = Buffer.from(`${fault ?? ''}\0`)
  const error = Buffer.concat([Buffer.from([4, 1, 0x73, 0]), Buffer.alloc(4), name])
  error.writeUInt32LE(name.length - 1, 4)
  const reply = Buffer.from([5, 1, 0x75, 0, serial, 0, 0, 0])
  const fields = fault === undefined ? reply : Buffer.concat([reply, error])
  const head = Buffer.from([
    0x6c,
    fault === undefined ? 2 : 3,
    1,
    1,
    0,
    0,
    0,
    0,
    9,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ])
  head.writeUInt32LE(fields.length, 12)
  const message = Buffer.concat([head, fields])
  return Buffer.concat([message, Buffer.alloc((8 - (message.length % 8)) % 8)])
}

/** Answers each call, in pieces of a few octets; `refuses` names a method that is not allowed. */
async function startBus(refuses = ''): Promise<{ path: string; said: Buffer[] }> {
  const path = join(tempDir('bus'), 'bus')
  const said: Buffer[] = []
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0)
    let isIn = false
    socket.on('error', () => {}) // The other end is gone: that is all it needs to know.
    socket.on('data', (octets: Buffer) => {
      pending = Buffer.concat([pending, octets])
      if (!isIn && pending.includes('BEGIN\r\n')) {
        isIn = true
        pending = pending.subarray(pending.indexOf('BEGIN\r\n') + 7)
      } else if (!isIn && pending.includes('\r\n')) socket.write('OK 1234deadbeef\r\n')
      for (;;) {
        const length = isIn ? messageOctets(pending) : undefined
        if (length === undefined || length === 'broken' || pending.length < length) return
        const message = pending.subarray(0, length)
        pending = pending.subarray(length)
        said.push(message)
        const isRefused = refuses !== '' && message.includes(refuses)
        const fault = isRefused ? 'org.freedesktop.DBus.Error.AccessDenied' : undefined
        const answer = answerTo(message.readUInt32LE(8), fault)
        for (let at = 0; at < answer.length; at += 7) socket.write(answer.subarray(at, at + 7))
      }
    })
  })
  server.listen(path)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { path, said }
}

const DNS = { servers: ['10.8.0.1', 'fd00::1'], domains: ['corp.example'], takesAll: false }

function settingsAt(path: string): { settings: ResolvedSettings; lines: string[] } {
  const lines: string[] = []
  const error: Log['error'] = (_, fields) => void lines.push(JSON.stringify(fields))
  const log: Log = { ...silentLog, error }
  return { settings: new ResolvedSettings(log, path, () => 7), lines }
}

test('servers and domains are set for the device, and taken back', async () => {
  const bus = await startBus()
  const { settings, lines } = settingsAt(bus.path)
  await settings.set('tun0', DNS)
  expect(settings.isSet).toBe(true)
  await settings.set('tun0', { ...DNS, servers: [] })
  expect(settings.isSet).toBe(false)
  await settings.restore()
  expect(lines).toEqual([])
  const [set, domains] = setCalls(7, DNS)
  expect(bus.said.map((each) => each.toString('hex'))).toEqual(
    [
      encodeCall(HELLO, 1),
      encodeCall(set!, 2),
      encodeCall(domains!, 3),
      encodeCall(HELLO, 1),
      encodeCall(revertCall(7), 2),
    ].map((each) => Buffer.from(each).toString('hex')),
  )
})

test('the bodies are what their signatures say', () => {
  const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
  const [servers, domains] = setCalls(7, DNS)
  // The device; octets of the array; a family and an address each, from a multiple of 8 on.
  expect(hex(servers!.body)).toBe(
    '0700000028000000' +
      '02000000040000000a080001' +
      '00000000' +
      '0a00000010000000fd000000000000000000000000000001',
  )
  const name = Buffer.from('corp.example\0').toString('hex')
  expect(hex(domains!.body)).toBe(`07000000180000000c000000${name}00000000000000`)
  const all = setCalls(7, { ...DNS, takesAll: true })[1]!
  expect(hex(all.body).endsWith('010000002e00000001000000')).toBe(true)
  expect(hex(setCalls(7, { ...DNS, domains: [] })[1]!.body).endsWith('2e00000001000000')).toBe(true)
})

test('who may not set them is told so, and nothing is taken for set', async () => {
  const bus = await startBus('SetLinkDomains')
  const { settings, lines } = settingsAt(bus.path)
  await settings.set('tun0', DNS)
  expect(settings.isSet).toBe(false)
  expect(lines.join('')).toMatch(
    /SetLinkDomains: org\.freedesktop\.DBus\.Error\.AccessDenied.*polkit/,
  )
  const nowhere = join(tempDir('bus'), 'none')
  expect(await callBus(nowhere, [])).toBe(`${nowhere}: ENOENT`)
})

test('whatever a bus answers, it is an answer or none', () => {
  const whole = Buffer.from(answerTo(3, 'a.b'))
  expect(readAnswer(whole)).toEqual({ serial: 3, fault: 'a.b' })
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, octet) => {
      const changed = Buffer.from(whole)
      changed[at] = octet
      const length = messageOctets(changed)
      if (typeof length === 'number' && length <= changed.length)
        expect(() => readAnswer(changed.subarray(0, length))).not.toThrow()
    }),
    { numRuns: 500 },
  )
})

test('a host is systemd-resolved’s by its resolv.conf', () => {
  expect(isResolvedFile('# x\nnameserver 127.0.0.53\noptions edns0\n')).toBe(true)
  expect(
    isResolvedFile('# This file is managed by man:systemd-resolved(8).\nnameserver 9.9.9.9\n'),
  ).toBe(true)
  expect(isResolvedFile('nameserver 127.0.0.1\n#nameserver 127.0.0.53\n')).toBe(false)
})

peerTest(
  'dbus-daemon',
  'a real bus takes the calls for messages, and knows nobody of that name',
  async () => {
    const folder = tempDir('bus')
    const path = join(folder, 'bus')
    const file = join(folder, 'bus.conf')
    const policy =
      '<policy context="default"><allow user="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy>'
    writeFileSync(
      file,
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>${policy}</busconfig>`,
    )
    const args = [`--config-file=${file}`, '--nofork', '--print-address']
    const daemon = spawn(peerPath('dbus-daemon')!, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    onTestFinished(() => void daemon.kill())
    await once(daemon.stdout, 'data')
    expect(await callBus(path, setCalls(7, DNS))).toMatch(/^SetLinkDNS: .*ServiceUnknown$/)
  },
)

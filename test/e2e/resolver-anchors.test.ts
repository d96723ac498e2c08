// cairn-resolver as a process of its own, in its sandbox, beside a root whose next key is out: what it writes and shows.
import { createSocket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { encodeMessage, FLAG, RCODE } from '../../shared/dns/message.ts'
import { ROOT as ROOT_NAME } from '../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../shared/dns/record-types.ts'
import { formatRdata } from '../../shared/dns/rdata.ts'
import { freePort, runProgram } from '../../tools/running.ts'
import { keySet } from '../support/key-sets.ts'
import { decoded } from '../support/scripted-internet.ts'
import { makeKey, nowSeconds } from '../support/signed-zone.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const MAIN = join(ROOT, 'appliances/resolver/main.ts')
const folder = tempDir('resolver-anchors')
const OLD = makeKey()
const NEW = makeKey()

test('a new key of the root is written to the state file and shown, and a restart knows it', async () => {
  const set = keySet(ROOT_NAME, [OLD, NEW], { by: [OLD], nowSeconds: nowSeconds() })
  const root = createSocket('udp4')
  root.on('message', (packet, { port, address }) => {
    const { id, questions } = decoded(packet)
    const isAsked = questions[0]!.qtype === TYPE.DNSKEY
    const record = { owner: ROOT_NAME, class: CLASS.IN, ttlSeconds: 3600 }
    const answers = [
      ...set.rdatas.map((rdata) => ({ ...record, type: TYPE.DNSKEY, rdata })),
      ...set.signatures.map((rdata) => ({ ...record, type: TYPE.RRSIG, rdata })),
    ]
    const reply = encodeMessage({
      id,
      opcode: 0,
      flags: FLAG.QR | FLAG.AA,
      rcode: isAsked ? RCODE.NOERROR : RCODE.REFUSED,
      questions,
      answers: isAsked ? answers : [],
      authorities: [],
      additionals: [],
    })
    root.send(reply, port, address)
  })
  await new Promise<void>((bound) => root.bind(0, '127.0.0.1', () => bound()))
  try {
    const observed = `http://127.0.0.1:${await freePort()}`
    const anchors = join(folder, 'root.anchors')
    const state = join(folder, 'state', 'anchors.toml')
    const config = join(folder, 'resolver.toml')
    writeFileSync(anchors, `. DNSKEY ${formatRdata(TYPE.DNSKEY, OLD.dnskey)}\n`)
    writeFileSync(
      config,
      `listen = ["127.0.0.1:${await freePort()}"]
[root]
hints = ["127.0.0.1:${(root.address() as AddressInfo).port}"]
[dnssec]
anchors = "${anchors}"
anchor_state = "${state}"
[observe]
listen = "${observed.slice('http://'.length)}"
`,
    )
    const start = () =>
      runProgram({ command: [process.execPath, MAIN], config, observed, output: 'keep' })
    const shown = async (): Promise<string[]> => {
      const status = (await (await fetch(`${observed}/status`, JSON_WANTED)).json()) as Status
      return status.detail.anchors[0]!.keys.map(({ tag, state: is }) => `${tag} ${is}`)
    }
    const expected = [`${OLD.tag} valid`, `${NEW.tag} add-pending`]
    const first = await start()
    try {
      await vi.waitFor(async () => expect(await shown()).toEqual(expected), { timeout: 20_000 })
    } finally {
      expect(await first.stop(), first.log()).toBe(0)
    }
    const written = readFileSync(state, 'utf8')
    expect(written).toMatch(/state = "add-pending"\nsince = .*\nuntil = /)
    const second = await start()
    try {
      expect(await shown()).toEqual(expected)
    } finally {
      expect(await second.stop(), second.log()).toBe(0)
    }
    // The hold-down began with the first start.
    expect(readFileSync(state, 'utf8')).toBe(written)
    writeFileSync(state, written.slice(0, -12))
    await expect(start()).rejects.toThrow(/anchors\.toml:\d+/)
  } finally {
    root.close()
  }
}, 90_000)

const JSON_WANTED = { headers: { accept: 'application/json' } }

type Status = {
  readonly detail: {
    readonly anchors: readonly { readonly keys: readonly { tag: number; state: string }[] }[]
  }
}

// A zone signed here, on a running server, before validators with nothing but its key: delv and unbound-host; and what is
// transferred of it before kzonecheck and dnssec-verify. Every algorithm that keys are made for, every kind of denial.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect } from 'vitest'
import { peerPath, peerTest } from '../support/peers.ts'
import { startDns, type RunningDns } from '../support/running-dns.ts'
import { tempDir } from '../support/temp.ts'

const run = promisify(execFile)
const ORIGIN = 'example.org'
const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.2
alias CNAME mail
*.wild TXT "a text"
deep.below.there AAAA 2001:db8::1
sub NS ns.elsewhere.example.
`
/** Question, and what a validator finds; the first three stand for all where only the algorithm is another. */
const QUESTIONS = [
  ['mail A', 'positive'],
  ['missing A', 'negative'],
  ['x.y.wild TXT', 'positive'],
  ['alias A', 'positive'],
  ['below.there A', 'negative'],
  ['mail AAAA', 'negative'],
  ['x.wild A', 'negative'],
  ['sub DS', 'negative'],
] as const

const running: RunningDns[] = []
afterEach(async () => {
  for (const { running: one } of running.splice(0)) await one.stop()
})

type Signed = { readonly port: string; readonly folder: string; readonly dnskey: string }

async function start(algorithm: string, denial: string): Promise<Signed> {
  const folder = tempDir('validate')
  const more = `[transfer]
allow = ["127.0.0.1"]
[dnssec]
key_folder = ${JSON.stringify(join(folder, 'keys'))}
zones = ["${ORIGIN}"]
algorithm = "${algorithm}"
denial = "${denial}"`
  const server = await startDns({ [`zones/${ORIGIN}`]: ZONE }, more)
  running.push(server)
  const port = String(server.port('dns'))
  const dnskey = await dig(port, '+short', ORIGIN, 'DNSKEY')
  return { port, folder, dnskey: dnskey.trim() }
}

async function dig(port: string, ...args: readonly string[]): Promise<string> {
  return (await run('dig', ['@127.0.0.1', '-p', port, '+tries=1', ...args])).stdout
}

/** What a program says, however it ends. */
async function said(program: string, args: readonly string[]): Promise<string> {
  const done = await run(peerPath(program)!, [...args], { timeout: 20_000 }).catch(
    (cause: { stdout: string; stderr: string }) => cause,
  )
  return `${done.stdout}${done.stderr}`
}

async function delv({ port, folder, dnskey }: Signed, question: string): Promise<string> {
  const [flags, protocol, algorithm, ...key] = dnskey.split(' ')
  const anchor = join(folder, 'anchor')
  const words = `${flags} ${protocol} ${algorithm} "${key.join('')}"`
  writeFileSync(anchor, `trust-anchors { ${ORIGIN}. static-key ${words}; };\n`)
  const [owner, type] = question.split(' ')
  const at = ['@127.0.0.1', '-p', port, '-a', anchor, `+root=${ORIGIN}`]
  return await said('delv', [...at, `${owner}.${ORIGIN}`, type!])
}

async function unboundHost({ port, folder, dnskey }: Signed, question: string): Promise<string> {
  const config = join(folder, 'unbound.conf')
  writeFileSync(
    config,
    `server:
  do-not-query-localhost: no
  trust-anchor: "${ORIGIN}. IN DNSKEY ${dnskey}"
stub-zone:
  name: "${ORIGIN}"
  stub-addr: 127.0.0.1@${port}
`,
  )
  const [owner, type] = question.split(' ')
  return await said('unbound-host', ['-C', config, '-v', '-t', type!, `${owner}.${ORIGIN}`])
}

const PEERS = ['git', 'dig', 'delv', 'unbound-host', 'kzonecheck', 'dnssec-verify']

describe.each(['nsec', 'nsec3', 'compact'])('signed with %s', (denial) => {
  for (const algorithm of ['ECDSAP256SHA256', 'ECDSAP384SHA384', 'ED25519'])
    peerTest(
      PEERS,
      `${algorithm}: validators find what is there, and believe what is not`,
      async () => {
        const signed = await start(algorithm, denial)
        const questions = algorithm === 'ECDSAP256SHA256' ? QUESTIONS : QUESTIONS.slice(0, 3)
        for (const [question, kind] of questions) {
          const byDelv = await delv(signed, question)
          const wanted =
            kind === 'positive' ? '; fully validated' : '; negative response, fully validated'
          expect(`${question}\n${byDelv}`).toContain(wanted)
          expect(`${question}\n${await unboundHost(signed, question)}`).toContain('(secure)')
        }
        // Of a zone whose proofs are made for each question there is nothing to be transferred.
        if (denial === 'compact') return
        const file = join(signed.folder, 'transferred')
        writeFileSync(file, await dig(signed.port, '+onesoa', '+nocomments', ORIGIN, 'AXFR'))
        expect(await said('kzonecheck', ['-o', ORIGIN, '-d', 'on', file])).toBe('')
        expect(await said('dnssec-verify', ['-z', '-o', ORIGIN, file])).toContain('fully signed')
      },
      60_000,
    )
})

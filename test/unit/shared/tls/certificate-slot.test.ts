// Certificates are checked before use and swapped under a listener while real TLS clients are connected.
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { beforeAll, describe, expect } from 'vitest'
import { listenHttp } from '../../../../shared/http/server.ts'
import { replyText } from '../../../../shared/http/reply.ts'
import { silentLog } from '../../../../shared/log/log.ts'
import { peerPath, peerTest } from '../../../support/peers.ts'
import { tempDir } from '../../../support/temp.ts'
import { TEXT_FILE_LIMIT_BYTES } from '../../../../shared/files/text-file.ts'
import { CertificateSlot } from '../../../../shared/tls/certificate-slot.ts'

const OPENSSL = peerPath('openssl')
const folder = tempDir('tls')
const files = (name: string): { cert: string; key: string } => ({
  cert: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
})

function issue(name: string): void {
  const { cert, key } = files(name)
  const subject = ['-subj', `/CN=${name}.test`, '-addext', `subjectAltName=DNS:${name}.test`]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  execFileSync(
    OPENSSL!,
    ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...subject],
    {
      stdio: 'ignore',
    },
  )
}

function use(name: string): void {
  copyFileSync(files(name).cert, files('live').cert)
  copyFileSync(files(name).key, files('live').key)
}

beforeAll(() => {
  if (OPENSSL === undefined) return
  issue('one')
  issue('two')
})

function slot(): CertificateSlot {
  const opened = CertificateSlot.open(files('live'))
  if (!opened.ok) throw new Error(opened.error.message)
  return opened.value
}

function client(
  port: number,
  options: { servername?: string; maxVersion?: 'TLSv1.1' } = {},
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const minVersion = options.maxVersion === undefined ? 'TLSv1.2' : 'TLSv1'
    const socket = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion,
      ...options,
    })
    socket.on('secureConnect', () => resolve(socket)).on('error', reject)
  })
}

const shown = (socket: TLSSocket): string => socket.getPeerX509Certificate()!.subjectAltName!

describe('hot swap', () => {
  peerTest('openssl', 'new connections see the new certificate, open ones go on', async () => {
    use('one')
    const live = slot()
    expect(live.info.names).toEqual(['DNS:one.test'])
    const listener = await listenHttp({
      listen: { host: '127.0.0.1', port: 0 },
      tls: live,
      handler: async (_, response) => replyText(response, 200, 'still here'),
      log: silentLog,
    })
    const before = await client(listener.port)
    expect(shown(before)).toBe('DNS:one.test')
    expect(live.reload()).toEqual({ ok: true, value: false })

    use('two')
    expect(live.reload()).toEqual({ ok: true, value: true })
    for (const servername of ['two.test', 'other.test', '']) {
      const after = await client(listener.port, servername === '' ? {} : { servername })
      expect(shown(after)).toBe('DNS:two.test')
      after.destroy()
    }
    const answer = new Promise<string>((resolve) =>
      before.once('data', (d) => resolve(d.toString())),
    )
    before.write('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n')
    expect(await answer).toContain('still here')
    expect(shown(before)).toBe('DNS:one.test')
    before.destroy()
    await listener.close()
  })

  peerTest('openssl', 'a broken or mixed pair is refused and the old one stays', async () => {
    use('one')
    const live = slot()
    copyFileSync(files('two').cert, files('live').cert)
    const mixed = live.reload()
    expect(mixed).toEqual({
      ok: false,
      error: {
        file: files('live').key,
        message: `Does not belong to the certificate in ${files('live').cert}`,
      },
    })
    writeFileSync(files('live').cert, '-----BEGIN CERTIFICATE-----\nMIIB')
    expect(live.reload()).toMatchObject({ ok: false, error: { file: files('live').cert } })
    expect(live.info.names).toEqual(['DNS:one.test'])
    use('two')
    expect(live.reload()).toEqual({ ok: true, value: true })
    expect(live.info.names).toEqual(['DNS:two.test'])
  })

  peerTest('openssl', 'a detached server keeps what it had', async () => {
    use('one')
    const live = slot()
    const server = createServer(live.options)
    const detach = live.attach(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    detach()
    use('two')
    live.reload()
    const socket = await client(port)
    expect(shown(socket)).toBe('DNS:one.test')
    socket.destroy()
    server.close()
  })
})

describe('refusals', () => {
  peerTest('openssl', 'files that are not there, too large, or not PEM', () => {
    const missing = CertificateSlot.open({ cert: join(folder, 'none'), key: files('one').key })
    expect(missing).toMatchObject({ ok: false, error: { message: 'Cannot be read (ENOENT)' } })
    const huge = join(folder, 'huge')
    writeFileSync(huge, Buffer.alloc(TEXT_FILE_LIMIT_BYTES + 1))
    expect(CertificateSlot.open({ cert: huge, key: files('one').key }).ok).toBe(false)
    expect(CertificateSlot.open({ cert: files('one').key, key: files('one').key })).toMatchObject({
      error: { message: 'Expected a certificate in PEM form' },
    })
    expect(CertificateSlot.open({ cert: files('one').cert, key: files('one').cert })).toMatchObject(
      {
        error: { message: 'Expected a private key in PEM form without passphrase' },
      },
    )
  })

  peerTest('openssl', 'TLS below 1.2', async () => {
    use('one')
    const listener = await listenHttp({
      listen: { host: '127.0.0.1', port: 0 },
      tls: slot(),
      handler: async (_, response) => replyText(response, 200, 'x'),
      log: silentLog,
    })
    await expect(client(listener.port, { maxVersion: 'TLSv1.1' })).rejects.toThrow()
    await listener.close()
  })
})

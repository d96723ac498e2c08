// A certificate for 127.0.0.1 made by openssl, for tests of encrypted listeners.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { peerPath } from './peers.ts'

export type MadeCertificate = { readonly cert: string; readonly key: string }

export function makeCertificate(folder: string, name: string): MadeCertificate {
  const cert = join(folder, `${name}.pem`)
  const key = join(folder, `${name}.key`)
  const names = `subjectAltName=DNS:${name}.test,IP:127.0.0.1`
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = ['-subj', `/CN=${name}.test`, '-addext', names, '-days', '2']
  const args = ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject]
  execFileSync(peerPath('openssl')!, args, { stdio: 'ignore' })
  return { cert, key }
}

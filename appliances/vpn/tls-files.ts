// The gateway's own certificate and the authority of its clients: read at the start, and again on SIGHUP.
import { X509Certificate } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { CertificateSlot, type CertificateError } from '../../shared/tls/certificate-slot.ts'
import type { KeyFiles } from './config.ts'
import { readTextFile } from '../../shared/files/text-file.ts'

export class TlsFiles {
  readonly #caFile: string
  readonly #certificate: CertificateSlot
  #ca: string

  private constructor(caFile: string, ca: string, certificate: CertificateSlot) {
    this.#caFile = caFile
    this.#ca = ca
    this.#certificate = certificate
  }

  static open(keys: KeyFiles): Result<TlsFiles, readonly Problem[]> {
    const ca = readAuthority(keys.ca)
    const certificate = CertificateSlot.open({ cert: keys.cert, key: keys.key })
    if (ca.ok && certificate.ok) return ok(new TlsFiles(keys.ca, ca.value, certificate.value))
    return err([ca, certificate].flatMap((read) => (read.ok ? [] : [problemOf(read.error)])))
  }

  /** PEM. */
  get ca(): string {
    return this.#ca
  }

  /** For the next handshake. */
  get certificate(): SecureContextOptions {
    return this.#certificate.options
  }

  /** What cannot be used stays as it was, and is a problem with its file. */
  reload(): { readonly isChanged: boolean; readonly problems: readonly Problem[] } {
    const problems: Problem[] = []
    let isChanged = false
    const ca = readAuthority(this.#caFile)
    if (ca.ok) {
      isChanged = ca.value !== this.#ca
      this.#ca = ca.value
    } else problems.push(problemOf(ca.error))
    const certificate = this.#certificate.reload()
    if (certificate.ok) isChanged ||= certificate.value
    else problems.push(problemOf(certificate.error))
    return { isChanged, problems }
  }
}

function readAuthority(file: string): Result<string, CertificateError> {
  const read = readTextFile(file)
  if (!read.ok) return err({ file, message: read.error })
  return isCertificate(read.value)
    ? read
    : err({ file, message: 'Expected a certificate in PEM form' })
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined
  } catch {
    // OpenSSL says by throwing that a text is none.
    return false
  }
}

function problemOf({ file, message }: CertificateError): Problem {
  return problem(message, { file })
}

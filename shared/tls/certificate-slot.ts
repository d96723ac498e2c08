// The certificate a TLS listener shows: read from PEM files, checked, and replaced while connections stay open.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { SecureContextOptions, Server } from 'node:tls'
import { err, ok, type Result } from '../result/result.ts'
import { readTextFile } from '../files/text-file.ts'

export type CertificateFiles = { readonly cert: string; readonly key: string }

export type CertificateInfo = {
  /** As in the subject alternative names: `DNS:example.org`, `IP Address:127.0.0.1`. */
  readonly names: readonly string[]
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string
}

/** A sentence for the log that names the file. */
export type CertificateError = { readonly file: string; readonly message: string }

export class CertificateSlot {
  readonly #files: CertificateFiles
  readonly #servers = new Set<Server>()
  #current: Loaded

  private constructor(files: CertificateFiles, loaded: Loaded) {
    this.#files = files
    this.#current = loaded
  }

  /** Refuses files that cannot be read, are no PEM, or do not belong together. An expired one is taken. */
  static open(files: CertificateFiles): Result<CertificateSlot, CertificateError> {
    const loaded = load(files)
    return loaded.ok ? ok(new CertificateSlot(files, loaded.value)) : loaded
  }

  get info(): CertificateInfo {
    return this.#current.info
  }

  /** For `tls.createServer`; call `attach` with the server, so that it follows later changes. */
  get options(): SecureContextOptions {
    return secureOptions(this.#current)
  }

  /** New connections to `server` get the newest certificate from now on; returns the way out. */
  attach(server: Server): () => void {
    this.#servers.add(server)
    server.setSecureContext(this.options)
    return () => void this.#servers.delete(server)
  }

  /**
   * Reads the files again; true when the certificate changed. After an error the old one stays in use: a
   * half-written pair must not take the listener down.
   */
  reload(): Result<boolean, CertificateError> {
    const loaded = load(this.#files)
    if (!loaded.ok) return loaded
    if (loaded.value.cert === this.#current.cert && loaded.value.key === this.#current.key) {
      return ok(false)
    }
    this.#current = loaded.value
    for (const server of this.#servers) server.setSecureContext(this.options)
    return ok(true)
  }
}

type Loaded = { readonly cert: string; readonly key: string; readonly info: CertificateInfo }

function load(files: CertificateFiles): Result<Loaded, CertificateError> {
  const cert = readPem(files.cert)
  if (!cert.ok) return cert
  const key = readPem(files.key)
  if (!key.ok) return key
  const leaf = attempt(() => new X509Certificate(cert.value))
  if (leaf === undefined)
    return err({ file: files.cert, message: 'Expected a certificate in PEM form' })
  const privateKey = attempt(() => createPrivateKey(key.value))
  if (privateKey === undefined) {
    return err({
      file: files.key,
      message: 'Expected a private key in PEM form without passphrase',
    })
  }
  if (!leaf.checkPrivateKey(privateKey)) {
    return err({ file: files.key, message: `Does not belong to the certificate in ${files.cert}` })
  }
  const info = {
    names: leaf.subjectAltName?.split(', ') ?? [],
    notAfterMs: leaf.validToDate.getTime(),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
  return ok({ cert: cert.value, key: key.value, info })
}

function readPem(file: string): Result<string, CertificateError> {
  const read = readTextFile(file)
  return read.ok ? read : err({ file, message: read.error })
}

/** OpenSSL says by throwing that a text is not what it should be. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined // The caller names the file and what was expected.
  }
}

function secureOptions(loaded: Loaded): SecureContextOptions {
  return { cert: loaded.cert, key: loaded.key, minVersion: 'TLSv1.2', honorCipherOrder: true }
}

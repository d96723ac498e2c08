// The certificates of [tls] and [https]: opened at the start, looked at by --check, read again on SIGHUP.
import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { Fatal } from '../result/result.ts'
import type { Problem } from '../result/problem.ts'
import { CertificateSlot, type CertificateFiles } from '../tls/certificate-slot.ts'
import type { HttpsConfig, TlsConfig } from './encrypted-table.ts'

export type Certificates = {
  readonly tls?: CertificateSlot
  readonly https?: CertificateSlot
}

type EncryptedConfig = { readonly tls?: TlsConfig; readonly https?: HttpsConfig }

const PLACES = ['tls', 'https'] as const

/** Throws `Fatal` with a sentence that names the file. */
export function openCertificates(
  config: EncryptedConfig,
  metrics: Metrics,
  /** Of the metrics' names: `cairn_dns`. */
  prefix: string,
): Certificates {
  const slots: { tls?: CertificateSlot; https?: CertificateSlot } = {}
  for (const place of PLACES) {
    const files = config[place]
    if (files === undefined) continue
    const opened = CertificateSlot.open(files)
    if (!opened.ok) throw new Fatal(`${opened.error.file}: ${opened.error.message}`)
    slots[place] = opened.value
    metrics.gauge(
      `${prefix}_${place}_certificate_expiry_timestamp_seconds`,
      `When the certificate of [${place}] ends`,
      () => opened.value.info.notAfterMs / 1000,
    )
  }
  return slots
}

export function reloadCertificates(slots: Certificates, log: Log): void {
  for (const place of PLACES) {
    const reloaded = slots[place]?.reload()
    if (reloaded?.ok === false)
      log.error('certificate', { file: reloaded.error.file, why: reloaded.error.message })
    else if (reloaded?.value === true)
      log.info('certificate', { place, names: slots[place]!.info.names.join(' ') })
  }
}

/** For `--check`. */
export function certificateProblems(config: EncryptedConfig): readonly Problem[] {
  return PLACES.flatMap((place): readonly Problem[] => {
    const files: CertificateFiles | undefined = config[place]
    const opened = files && CertificateSlot.open(files)
    if (opened === undefined || opened.ok) return []
    return [{ severity: 'error', ...opened.error }]
  })
}

// The name in a certificate by which OpenVPN knows its holder.

/** `subject` as `X509Certificate` prints it; '' without a common name. */
export function commonNameOf(subject: string): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? ''
}

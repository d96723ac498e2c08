// A client's `.ovpn` file: all it needs in one, for any OpenVPN client from 2.5 on.

export function clientProfile(client: {
  /** `HOST PORT PROTO` */
  readonly remote: string
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly wrappedKey: string
}): string {
  const inline = (name: string, content: string): string =>
    `<${name}>\n${content.trim()}\n</${name}>`
  return [
    'client',
    'dev tun',
    `remote ${client.remote}`,
    'nobind',
    'persist-tun',
    'remote-cert-tls server',
    'verify-x509-name server name',
    'data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305',
    'auth SHA256',
    'verb 3',
    inline('ca', client.ca),
    inline('cert', client.cert),
    inline('key', client.key),
    inline('tls-crypt-v2', client.wrappedKey),
    '',
  ].join('\n')
}

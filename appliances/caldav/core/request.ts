// A WebDAV request and its answer as values: the shell makes the one of HTTP and HTTP of the other.

/** Field names are lower case. */
export type DavRequest = {
  readonly method: string
  /** As it came, path and query. */
  readonly target: string
  readonly header: (name: string) => string | undefined
  readonly body: Uint8Array
  /** The server as the client names it, for URLs in what is stored: `https://cal.example.org`. */
  readonly origin: string
}

export type Reply = {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** Chunks of a long one are made while it is sent. */
  readonly body?: string | Uint8Array | Iterable<string>
}

export function emptyReply(status: number, headers: Reply['headers'] = {}): Reply {
  return { status, headers }
}

export function textReply(status: number, text: string, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: `${text}\n`,
  }
}

/** RFC 4918 §9.1, §10.2. */
export type Depth = 0 | 1 | 'infinity'

export function depthOf(request: DavRequest, absent: Depth): Depth | undefined {
  switch (request.header('depth')?.trim().toLowerCase()) {
    case undefined:
      return absent
    case '0':
      return 0
    case '1':
      return 1
    case 'infinity':
      return 'infinity'
    default:
      return undefined
  }
}

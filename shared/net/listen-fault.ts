// Why an address could not be had, as a sentence for the person who configured it.
import { Fatal } from '../result/result.ts'
import { formatEndpoint, type Endpoint } from './endpoint.ts'

export function listenFault(listen: Endpoint, cause: Error): Fatal {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
  return new Fatal(`Cannot listen on ${formatEndpoint(listen)}: ${REASONS[code] ?? code}`, {
    cause,
  })
}

const REASONS: { readonly [code: string]: string } = {
  EACCES: 'ports below 1024 need the capability net_bind_service (or a higher port)',
  EADDRINUSE: 'another program listens there already',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ERR_ACCESS_DENIED: 'Node runs with --permission, and without --allow-net',
  EAFNOSUPPORT: 'this machine does not speak that address family',
}

// Routes to single hosts outside of the tunnel; they go when this is closed.
import { openRoutes } from '../../../shared/native/tun.ts'

export type HostRoutes = {
  /** What went wrong, if anything did. */
  add(
    host: Uint8Array,
    via: { readonly gateway: Uint8Array; readonly device: string },
  ): string | undefined
  close(): void
}

/** Undefined where FFI is refused. */
export async function openHostRoutes(): Promise<HostRoutes | undefined> {
  const routes = await openRoutes()
  if (routes === undefined) return undefined
  const added: {
    readonly host: Uint8Array
    readonly gateway: Uint8Array
    readonly device: string
  }[] = []
  return {
    add(host, { gateway, device }) {
      const fault = routes.change('add', host, gateway, device)
      // One that is there already is somebody else's to take away.
      if (fault?.code === 'EEXIST') return undefined
      if (fault !== undefined) return `${fault.call}: ${fault.code}`
      added.push({ host, gateway, device })
      return undefined
    },
    close() {
      for (const { host, gateway, device } of added.splice(0))
        routes.change('remove', host, gateway, device)
    },
  }
}

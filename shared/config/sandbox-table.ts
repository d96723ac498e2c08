// The [sandbox] table: what the appliance gives up once its sockets and files are open.
import { boolean, checked, object, section, withDefault, type Decoder } from './decode.ts'

export type SandboxConfig = { readonly enabled: boolean }

/** To say yes to a protection that is not there would be worse than not to start. */
export const sandboxTable: Decoder<SandboxConfig> = section(
  checked(object({ enabled: withDefault(boolean, false) }), (sandbox, at) => {
    if (!sandbox.enabled) return
    at.inside('enabled').report(
      'This version cannot restrict itself yet: leave it out, and start with the permission flags of the README or the systemd unit',
    )
  }),
)

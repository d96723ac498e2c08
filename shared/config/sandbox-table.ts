// The [sandbox] table: what the appliance gives up once its sockets and files are open.
import { boolean, object, section, withDefault, type Decoder } from './decode.ts'

export type SandboxConfig = { readonly enabled: boolean }

export const sandboxTable: Decoder<SandboxConfig> = section(
  object({ enabled: withDefault(boolean, false) }),
)

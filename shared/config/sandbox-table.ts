// The [sandbox] table: what the appliance gives up once its sockets and files are open.
import { boolean, object, section, withDefault, type Decoder } from './decode.ts'

export type SandboxConfig = {
  /** Asked for, it is not there yet: the log says so at every start, with what to use instead. */
  readonly enabled: boolean
}

export const sandboxTable: Decoder<SandboxConfig> = section(
  object({ enabled: withDefault(boolean, false) }),
)

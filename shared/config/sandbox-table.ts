// The [sandbox] table: what the appliance gives up before it starts, and once its sockets and files are open.
import { boolean, object, optional, parsed, section, withDefault, type Decoder } from './decode.ts'

export type SandboxConfig = {
  readonly enabled: boolean
  /** Started as root, it becomes this user before anything is opened. */
  readonly user?: string
  /** Whether it refuses to start where a part of the sandbox cannot be had. */
  readonly require: boolean
}

export const sandboxTable: Decoder<SandboxConfig> = section(
  object({
    enabled: withDefault(boolean, true),
    user: optional(
      parsed('the name of a user', (text) =>
        /^[A-Za-z_][\w.-]{0,31}$/.test(text) ? text : undefined,
      ),
    ),
    require: withDefault(boolean, false),
  }),
)

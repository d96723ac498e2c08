// cairn-resolver in this process on loopback ports of its own.
import { resolverConfig } from '../../appliances/resolver/config.ts'
import { serve } from '../../appliances/resolver/serve.ts'
import { runHere, type RunningAppliance } from './running-appliance.ts'

/** `more` is TOML put behind the address. */
export async function startResolver(more: string): Promise<RunningAppliance> {
  const text = `listen = ["127.0.0.1:0"]\n${more}\n[observe]\n`
  return await runHere(text, resolverConfig, serve)
}

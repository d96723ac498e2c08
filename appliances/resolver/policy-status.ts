// What the policy says of itself: metrics, and its part of /status.
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { PolicyAnswers } from './core/policy/policy-answers.ts'
import type { PolicyTransfers } from './policy-transfers.ts'

export function policyMetrics(answers: PolicyAnswers, metrics: Metrics): void {
  const gauges: readonly (readonly [string, string, () => number])[] = [
    ['blocked', 'Questions answered by a block list since the start', () => answers.blocked],
    ['policy_names', 'Names in block and allow lists', () => answers.policy.size],
    ['policy_bytes', 'Memory that they take', () => answers.policy.octets],
    ['policy_paused', '1 while nothing is blocked', () => Number(answers.pausedUntilMs > 0)],
  ]
  for (const [name, help, read] of gauges) metrics.gauge(`cairn_resolver_${name}`, help, read)
}

export function policyStatus(
  { blocked, policy, pausedUntilMs }: PolicyAnswers,
  transfers: PolicyTransfers | undefined,
): object {
  return {
    blocked,
    names: policy.size,
    bytes: policy.octets,
    ...(transfers && { transfers: transfers.status() }),
    ...(pausedUntilMs > 0 && { pausedUntil: new Date(pausedUntilMs).toISOString() }),
  }
}

// What a store counts and measures, declared in one place.
import type { Metrics } from '../shared/metrics/metrics.ts'
import type { LocalStore } from './store.ts'

export function observeStore(store: LocalStore, metrics: Metrics): void {
  const commits = metrics.counter('cairn_store_heads', 'Times the head of the branch moved')
  store.branch.subscribe(() => commits.inc())
  const { engine } = store
  metrics.gauge('cairn_store_journal_bytes', 'Journal not yet sealed into a pack', () => {
    return engine.status().journalBytes
  })
  metrics.gauge('cairn_store_packs', 'Packs in the repository', () => engine.status().packs)
  metrics.gauge('cairn_store_pack_bytes', 'Size of all packs', () => engine.status().packBytes)
  metrics.gauge('cairn_store_read_only', '1 while the disk takes no writes', () => {
    return engine.readOnly === undefined ? 0 : 1
  })
  metrics.gauge('cairn_store_conflicts', 'Refs kept under refs/conflicts/', () => {
    return [...store.refs().keys()].filter((name) => name.startsWith('refs/conflicts/')).length
  })
}

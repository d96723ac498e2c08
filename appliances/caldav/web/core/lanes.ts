// Where events that overlap stand side by side in a day: each gets a lane, and the number of lanes its group needs.

export type Lane = { readonly lane: number; readonly of: number }

/** One for each event, in their order. A moment takes `leastMs`, so that it can be seen. */
export function lanesOf(
  events: readonly { readonly start: number; readonly end: number }[],
  leastMs: number,
): Lane[] {
  const lanes: { lane: number; of: number }[] = events.map(() => ({ lane: 0, of: 1 }))
  const order = [...events.keys()].sort(
    (a, b) => events[a]!.start - events[b]!.start || events[b]!.end - events[a]!.end,
  )
  let group: number[] = []
  let ends: number[] = []
  const close = (): void => {
    for (const at of group) lanes[at]!.of = ends.length
    group = []
    ends = []
  }
  for (const at of order) {
    const { start, end } = events[at]!
    if (ends.every((each) => each <= start)) close()
    const free = ends.findIndex((each) => each <= start)
    const lane = free < 0 ? ends.length : free
    ends[lane] = Math.max(end, start + leastMs)
    lanes[at]!.lane = lane
    group.push(at)
  }
  close()
  return lanes
}

// Status as text: readable, on its lines, and bounded in depth.
import { expect, test } from 'vitest'
import { DEPTH_LIMIT, formatStatus } from '../../../../shared/appliance/status-text.ts'

test('keys, lists, empty things and what is left out', () => {
  const status = {
    name: 'cairn-dns',
    zones: [{ name: 'a', serial: 1 }, { name: 'b' }],
    addresses: ['udp://127.0.0.1:53', 'x'],
    empty: {},
    none: [],
    missing: undefined,
    nothing: null,
    nested: [[1, 2]],
  }
  expect(formatStatus(status)).toBe(
    [
      'name: cairn-dns',
      'zones:',
      '  - name: a',
      '    serial: 1',
      '  - name: b',
      'addresses:',
      '  - udp://127.0.0.1:53',
      '  - x',
      'empty: none',
      'none: none',
      'nothing: null',
      'nested:',
      '  - - 1',
      '    - 2',
    ].join('\n'),
  )
})

test('no value breaks its line', () => {
  expect(formatStatus({ 'a\nb': 'c\r\n\u001b[2J' })).toBe('a b: c   [2J')
})

test('what is too deep is written as JSON', () => {
  let deep: object = { x: 'end' }
  for (let i = 0; i < 50; i++) deep = { x: deep }
  const lines = formatStatus(deep).split('\n')
  expect(lines).toHaveLength(DEPTH_LIMIT + 1)
  expect(lines.at(-1)).toContain('{"x":')
})

// A line of figures over time as a picture, drawn by the browser from one path.

const NAMESPACE = 'http://www.w3.org/2000/svg'
const WIDTH = 240
const HEIGHT = 48

/** `values` oldest first; the highest one is at the top, 0 at the bottom. `points` fill the width. */
export function chart(values: readonly number[], points: number, label: string): SVGSVGElement {
  const svg = document.createElementNS(NAMESPACE, 'svg')
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  const path = document.createElementNS(NAMESPACE, 'path')
  path.setAttribute('d', pathOf(values, points))
  svg.append(path)
  return svg
}

function pathOf(values: readonly number[], points: number): string {
  const highest = Math.max(...values, Number.MIN_VALUE)
  const step = WIDTH / Math.max(points - 1, 1)
  const first = WIDTH - step * (values.length - 1)
  return values
    .map((value, i) => {
      const x = first + i * step
      const y = HEIGHT - 1 - (value / highest) * (HEIGHT - 2)
      return `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    .join('')
}

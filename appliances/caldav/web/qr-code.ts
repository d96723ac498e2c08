// A QR code (ISO/IEC 18004) as a picture: dark on white whatever the page's colours, with the quiet zone readers want.
import { generate } from 'lean-qr/nano'

const QUIET_MODULES = 4
const SVG = 'http://www.w3.org/2000/svg'

export function qrCode(text: string, label: string): SVGSVGElement {
  const code = generate(text)
  const size = code.size + 2 * QUIET_MODULES
  const picture = document.createElementNS(SVG, 'svg')
  picture.setAttribute('viewBox', `${-QUIET_MODULES} ${-QUIET_MODULES} ${size} ${size}`)
  picture.setAttribute('class', 'qr')
  picture.setAttribute('role', 'img')
  picture.setAttribute('aria-label', label)
  const path = document.createElementNS(SVG, 'path')
  let modules = ''
  for (let y = 0; y < code.size; y++)
    for (let x = 0; x < code.size; x++) if (code.get(x, y)) modules += `M${x} ${y}h1v1h-1z`
  path.setAttribute('d', modules)
  picture.append(path)
  return picture
}

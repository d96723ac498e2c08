// The memory of an image as its writer sees it: blocks are appended, and what is replaced is garbage where it is.
import { ImageReader } from './image-reader.ts'
import type { IndexSearch } from './index-search.ts'

export class ImageSpace {
  readonly memory: SharedArrayBuffer
  readonly reader: ImageReader
  readonly index: IndexSearch
  readonly octets: Uint8Array
  readonly words: Int32Array
  /** First free octet. */
  end = 0
  garbageOctets = 0

  constructor(octets: number) {
    this.memory = new SharedArrayBuffer(octets)
    this.reader = new ImageReader(this.memory)
    this.octets = this.reader.octets
    this.words = this.reader.words
    this.index = this.reader.index
  }

  /** Offset of a new block, for which the caller knows that there is room. */
  take(octets: number): number {
    const at = this.end
    this.end += aligned(octets)
    return at
  }

  free(octets: number): void {
    this.garbageOctets += aligned(octets)
  }
}

/** Blocks start at multiples of 8. */
export function aligned(octets: number): number {
  return (octets + 7) & ~7
}

// The filter and the address-data of an addressbook-query from their XML (RFC 6352 sections 10.4 and 10.5).
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import {
  attributeOf,
  childElements,
  childNamed,
  childrenNamed,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import type {
  AddressFilter,
  AddressPropFilter,
  CardSelection,
  Test,
} from '../contacts/card-filter.ts'
import { CARDDAV, DAV } from '../xml/names.ts'
import {
  FilterReader,
  readTextMatch,
  refuse,
  Refused,
  type FilterRefusal,
  type KnownParts,
} from './filter-xml.ts'

/** `filter` is the element of that name. */
export function readAddressFilter(filter: XmlElement): Result<AddressFilter, FilterRefusal> {
  const reader = new FilterReader(CARDDAV)
  try {
    const parts = reader.parts(filter, FILTER_PARTS)
    const props = (parts.get('prop-filter') ?? []).map((each) => readProp(each, reader))
    return ok({ test: testOf(filter), props })
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal
    return err(refusal.refusal)
  }
}

/** Of a whole report element; undefined: the cards as they are. */
export function readCardSelection(report: XmlElement): CardSelection | undefined {
  const prop = childNamed(report, DAV, 'prop')
  const element = prop && childNamed(prop, CARDDAV, 'address-data')
  if (element === undefined || childNamed(element, CARDDAV, 'allprop')) return undefined
  const props = childrenNamed(element, CARDDAV, 'prop')
  if (childElements(element).length === 0) return undefined
  return props.map((each) => ({
    name: (attributeOf(each, 'name') ?? '').toUpperCase(),
    noValue: attributeOf(each, 'novalue') === 'yes',
  }))
}

function readProp(element: XmlElement, reader: FilterReader): AddressPropFilter {
  const parts = reader.parts(element, PROP_PARTS)
  const isNotDefined = parts.has('is-not-defined')
  if (isNotDefined && parts.size > 1) refuse('is-not-defined stands alone')
  const full = reader.nameOf(element)
  const dot = full.indexOf('.')
  return {
    name: full.slice(dot + 1),
    ...(dot > 0 && { group: full.slice(0, dot).toLowerCase() }),
    test: testOf(element),
    isNotDefined,
    textMatches: (parts.get('text-match') ?? []).map((each) => readTextMatch(each)),
    params: reader.params(parts.get('param-filter') ?? []),
  }
}

function testOf(element: XmlElement): Test {
  const test = attributeOf(element, 'test') ?? 'anyof'
  if (test !== 'anyof' && test !== 'allof') refuse(`test ${test}`)
  return test
}

const FILTER_PARTS: KnownParts = { once: new Set(), many: new Set(['prop-filter']) }
const PROP_PARTS: KnownParts = {
  once: new Set(['is-not-defined']),
  many: new Set(['text-match', 'param-filter']),
}

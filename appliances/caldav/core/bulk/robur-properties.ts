// The `.prop` files of robur's caldav: properties of a calendar or a principal as an S-expression of `((ns name) (attributes trees))`.
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import {
  childElements,
  childNamed,
  childrenNamed,
  textOf,
  type XmlAttribute,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import type { Grant } from '../accounts/directory.ts'
import type { Properties } from '../library/settings.ts'
import { DAV, propertyName, type PropertyName } from '../xml/names.ts'
import { readExpression, type Expression } from './s-expression.ts'

export const PROP_FILE = '.prop'
const PROP_LIMIT_BYTES = 4_194_304

/** The error is a sentence. */
export function readRoburProperties(bytes: Uint8Array): Result<Properties, string> {
  if (bytes.length > PROP_LIMIT_BYTES) return err(`Is larger than ${PROP_LIMIT_BYTES} bytes`)
  const expression = readExpression(bytes)
  if (!expression.ok) return expression
  const properties = new Map<PropertyName, XmlElement>()
  for (const entry of listOf(expression.value) ?? [undefined]) {
    const [key, value] = listOf(entry) ?? []
    const element = elementOf(key, value)
    if (element === undefined) return err('Is no list of properties')
    properties.set(propertyName(element.namespace, element.name), element)
  }
  return ok(properties)
}

/** Names of principals in the hrefs right inside: `/principals/alice/` is alice. */
export function principalsIn(element: XmlElement | undefined): readonly string[] {
  if (element === undefined) return []
  return childrenNamed(element, DAV, 'href').flatMap((href) => {
    const name = /\/principals\/([^/]+)\/?$/.exec(textOf(href).trim())?.[1]
    return name ?? []
  })
}

export type RoburAccess = {
  /** Who has all rights, in the order of the list. */
  readonly owners: readonly string[]
  readonly grants: ReadonlyMap<string, Grant>
  /** Everybody may read it, with or without an account. */
  readonly isPublic: boolean
}

/** What `DAV:acl` grants; a deny is not looked at, as robur's does not either. */
export function accessOf(properties: Properties): RoburAccess {
  const owners: string[] = []
  const grants = new Map<string, Grant>()
  let isPublic = false
  const acl = properties.get(propertyName(DAV, 'acl'))
  for (const entry of acl === undefined ? [] : childrenNamed(acl, DAV, 'ace')) {
    const granted = childNamed(entry, DAV, 'grant')
    const principal = childNamed(entry, DAV, 'principal')
    if (granted === undefined || principal === undefined) continue
    const names = childrenNamed(granted, DAV, 'privilege')
      .flatMap((privilege) => childElements(privilege))
      .map(({ name }) => name)
    const grant = grantOf(names)
    if (grant === undefined) continue
    isPublic ||= childNamed(principal, DAV, 'all') !== undefined
    for (const name of principalsIn(principal)) {
      if (names.includes('all')) owners.push(name)
      if (grants.get(name) !== 'read-write') grants.set(name, grant)
    }
  }
  return { owners, grants, isPublic }
}

function grantOf(privileges: readonly string[]): Grant | undefined {
  if (privileges.some((name) => WRITING.has(name))) return 'read-write'
  return privileges.includes('read') ? 'read' : undefined
}

const WRITING: ReadonlySet<string> = new Set(['all', 'write', 'write-content', 'bind'])

/** `(ns name)` and `(attributes trees)`. */
function elementOf(
  key: Expression | undefined,
  value: Expression | undefined,
): XmlElement | undefined {
  const [namespace, name] = listOf(key) ?? []
  const [attributes, trees] = listOf(value) ?? []
  return nodeOf(namespace, name, attributes, trees)
}

function nodeOf(
  namespace: Expression | undefined,
  name: Expression | undefined,
  attributes: Expression | undefined,
  trees: Expression | undefined,
): XmlElement | undefined {
  if (typeof namespace !== 'string' || typeof name !== 'string') return undefined
  const made = listOf(attributes)?.map(attributeOf)
  const children = listOf(trees)?.map(treeOf)
  if (!isWhole(made) || !isWhole(children)) return undefined
  return { namespace, name, attributes: made, children }
}

/** `(Pcdata text)` or `(Node ns name attributes trees)`. */
function treeOf(tree: Expression): XmlElement | string | undefined {
  const [kind, ...parts] = listOf(tree) ?? []
  if (kind === 'Pcdata') return typeof parts[0] === 'string' ? parts[0] : undefined
  return kind === 'Node' ? nodeOf(parts[0], parts[1], parts[2], parts[3]) : undefined
}

/** `((ns name) value)`. */
function attributeOf(attribute: Expression): XmlAttribute | undefined {
  const [key, value] = listOf(attribute) ?? []
  const [namespace, name] = listOf(key) ?? []
  if (typeof namespace !== 'string' || typeof name !== 'string') return undefined
  return typeof value === 'string' ? { namespace, name, value } : undefined
}

function isWhole<T>(list: readonly (T | undefined)[] | undefined): list is readonly T[] {
  return list?.every((each) => each !== undefined) === true
}

function listOf(expression: Expression | undefined): readonly Expression[] | undefined {
  return typeof expression === 'string' ? undefined : expression
}

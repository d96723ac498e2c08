// Properties of address books (RFC 6352 §6.2, §8.3).
import { protectedProperty, type LiveProperty, type PropertyTable } from './live-property.ts'

const ofBooks =
  (read: LiveProperty['read']): LiveProperty['read'] =>
  (resource, view) =>
    resource.kind === 'collection' && resource.collection.kind === 'addressbook'
      ? read(resource, view)
      : undefined

export const ADDRESS_PROPERTIES: PropertyTable = {
  '{urn:ietf:params:xml:ns:carddav}supported-address-data': protectedProperty(
    ofBooks(() =>
      ['3.0', '4.0']
        .map(
          (version) => `<card:address-data-type content-type="text/vcard" version="${version}"/>`,
        )
        .join(''),
    ),
  ),
  '{urn:ietf:params:xml:ns:carddav}supported-collation-set': protectedProperty(
    ofBooks(() =>
      ['i;ascii-casemap', 'i;octet', 'i;unicode-casemap']
        .map((name) => `<card:supported-collation>${name}</card:supported-collation>`)
        .join(''),
    ),
  ),
  '{urn:ietf:params:xml:ns:carddav}max-resource-size': protectedProperty(
    ofBooks((_, { limits }) => String(limits.objectBytes)),
  ),
}

// A user's name inside what LDAP reads. Distinguished names (RFC 4514 §2.4) and search filters (RFC 4515 §3) both take an octet
// as a backslash and two hexadecimal digits.

/** `{user}` of `template` filled in, so that the name is a value there and nothing else. */
export function withUser(template: string, user: string): string {
  const value = user.replaceAll(/[^A-Za-z0-9]/gu, escaped)
  // Not a text for `replaceAll`, which would read a "$" in it.
  return template.replaceAll('{user}', () => value)
}

function escaped(character: string): string {
  return Buffer.from(character).toString('hex').replaceAll(/../g, '\\$&')
}

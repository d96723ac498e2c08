import { describe, expect, test } from 'vitest'
import { caldavConfig } from '../../../../appliances/caldav/config.ts'
import { withUser } from '../../../../appliances/caldav/ldap-names.ts'
import { ldapPort } from '../../../../appliances/caldav/ldap-table.ts'
import { decodeConfig } from '../../../../shared/config/decode.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'

describe('a name in a template', () => {
  test.each([
    ['uid={user},ou=people', 'alice', 'uid=alice,ou=people'],
    ['uid={user},ou=people', 'a,ou=admins', 'uid=a\\2cou\\3dadmins,ou=people'],
    ['(|(uid={user})(mail={user}))', 'a@b', '(|(uid=a\\40b)(mail=a\\40b))'],
    ['(uid={user})', '*)(uid=*', '(uid=\\2a\\29\\28uid\\3d\\2a)'],
    ['(uid={user})', '$&é', '(uid=\\24\\26\\c3\\a9)'],
  ])('%s of %s', (template, user, filled) => {
    expect(withUser(template, user)).toBe(filled)
  })
})

const CONFIG = `listen = ["127.0.0.1:0"]
[store]
path = "calendars.git"
[ldap]
`
const decode = (ldap: string) => decodeConfig(CONFIG + ldap, 'caldav.toml', caldavConfig)

describe('[ldap]', () => {
  test.each([
    ['url = "ldap://127.0.0.1:3389"', 3389],
    ['url = "ldap://[::1]"', 389],
    ['url = "ldap://ldap.example.org"\nstarttls = true', 389],
    ['url = "ldaps://ldap.example.org"', 636],
  ])('%s', (url, port) => {
    const decoded = decode(`${url}\nuser_dn = "uid={user},dc=example"`)
    expect(decoded.ok && ldapPort(decoded.value.ldap!)).toBe(port)
  })

  const DN = 'user_dn = "uid={user}"'
  test.each([
    [`url = "ldap://ldap.example.org"\n${DN}`, 'must not go in the clear'],
    [`url = "ldap://localhost"\n${DN}`, 'must not go in the clear'],
    [`url = "https://ldap.example.org"\n${DN}`, 'a URL that begins with "ldap://"'],
    [`url = "ldaps://ldap.example.org"\nstarttls = true\n${DN}`, 'TLS already'],
    ['url = "ldaps://ldap.example.org"', 'either user_dn or base'],
    [`url = "ldaps://ldap.example.org"\n${DN}\nbase = "dc=org"`, 'either user_dn or base'],
    ['url = "ldaps://ldap.example.org"\nuser_dn = "uid=alice"', '{user}'],
    ['url = "ldaps://ldap.example.org"\nbase = "dc=org"\nbind_dn = "cn=x"', 'go together'],
  ])('%s is refused', (ldap, why) => {
    const decoded = decode(ldap)
    expect(decoded.ok ? [] : decoded.error.map(formatProblem).join('\n')).toContain(why)
  })
})

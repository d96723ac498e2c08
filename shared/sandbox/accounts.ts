// Who a name of a user is, from the text of /etc/passwd and /etc/group (passwd(5), group(5)).

export type Account = {
  readonly uid: number
  readonly gid: number
  /** Groups that name the user as a member, and its own. */
  readonly groups: readonly number[]
}

/** By name; undefined when there is no such user, or its line is no line of passwd(5). */
export function findAccount(name: string, passwd: string, group: string): Account | undefined {
  const line = passwd.split('\n').find((each) => each.startsWith(`${name}:`))
  const [, , uidText = '', gidText = ''] = line?.split(':') ?? []
  if (!isNumber(uidText) || !isNumber(gidText)) return undefined
  const gid = Number(gidText)
  const groups = new Set([gid])
  for (const each of group.split('\n')) {
    const [, , id = '', members = ''] = each.split(':')
    if (isNumber(id) && members.split(',').includes(name)) groups.add(Number(id))
  }
  return { uid: Number(uidText), gid, groups: [...groups] }
}

function isNumber(text: string): boolean {
  return /^[0-9]{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1
}

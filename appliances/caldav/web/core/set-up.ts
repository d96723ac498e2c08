// What to type into which program, for this server and this user.

export type Account = {
  /** Of the page: `https://cal.example.org/dav/`. */
  readonly url: string
  readonly user: string
}

export type Program = {
  readonly name: string
  readonly steps: readonly string[]
  /** Of a configuration file, after the steps. */
  readonly text?: string
  /** For a camera; `davx5:` means HTTPS, `caldav:` HTTP. */
  readonly hasCode?: true
}

export function programsFor(account: Account): readonly Program[] {
  const { user } = account
  const { protocol, hostname, port, pathname } = new URL(account.url)
  const isSecure = protocol === 'https:'
  const server = `${hostname}${port === '' ? '' : `:${port}`}${pathname === '/' ? '' : pathname}`
  const portNumber = port === '' ? (isSecure ? '443' : '80') : port
  const path = `${pathname}principals/${encodeURIComponent(user)}/`
  const secure = isSecure ? [] : ['Apple’s programs want HTTPS, which this address is not.']
  const type = `user name ${user}, and the password`
  return [
    {
      name: 'iPhone and iPad',
      steps: [
        ...secure,
        'Settings, Apps, Calendar, Calendar Accounts (before iOS 18: Settings, Calendar, Accounts), Add Account, Other.',
        `Add CalDAV Account: server ${server}, ${type}.`,
        'Once more for contacts: Add CardDAV Account, with the same server, user name and password.',
      ],
    },
    {
      name: 'Mac',
      steps: [
        ...secure,
        'System Settings, Internet Accounts, Add Account, Add Other Account, CalDAV account.',
        `Account type Advanced: server address ${hostname}, server path ${path}, port ${portNumber}, Use SSL ${isSecure ? 'on' : 'off'}, ${type}.`,
        'Once more for contacts: CardDAV account, with the same.',
      ],
    },
    {
      name: 'Android: DAVx⁵',
      hasCode: true,
      steps: [
        'Point the phone’s camera at the code, and open it with DAVx⁵.',
        `Or: +, Login with URL and user name: base URL ${account.url}, ${type}.`,
        'Choose a name for the account, then which calendars, task lists and address books to synchronise.',
      ],
    },
    {
      name: 'Thunderbird',
      steps: [
        `Calendar, New Calendar, On the Network: ${type.replace(', and the password', '')}, location ${account.url}, Find Calendars.`,
        'Give the password, and choose calendars.',
        `For contacts: Address Book, New, Add CardDAV Address Book, with the same user name and location.`,
      ],
    },
    {
      name: 'Evolution',
      steps: [
        `File, New, Collection Account: ${type.replace(', and the password', '')}, and under Advanced Options the server ${account.url}; Look Up.`,
        'Give the password, and choose what to synchronise.',
      ],
    },
    {
      name: 'GNOME',
      steps: [
        `Settings, Online Accounts, Calendar, Contacts and Files (WebDAV): server address ${account.url}, ${type}.`,
        'Calendars and contacts are then in GNOME Calendar, Contacts and Evolution.',
      ],
    },
    {
      name: 'vdirsyncer, khal and todoman',
      steps: [
        'In ~/.config/vdirsyncer/config:',
        'Then: vdirsyncer discover calendars && vdirsyncer sync',
      ],
      text: vdirsyncerConfig(account),
    },
    {
      name: 'Any other',
      steps: [
        `The address ${account.url}, ${type}: calendars, tasks and contacts are found from there.`,
      ],
    },
  ]
}

/** What DAVx⁵ takes from a camera or a link: its login with all of it filled in. */
export function codeFor({ url, user }: Account, password: string | undefined): string {
  const { protocol, host, pathname } = new URL(url)
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  const scheme = protocol === 'https:' ? 'davx5' : 'caldav'
  return `${scheme}://${encodeURIComponent(user)}${secret}@${host}${pathname}`
}

function vdirsyncerConfig({ url, user }: Account): string {
  return `[pair calendars]
a = "calendars_here"
b = "calendars_there"
collections = ["from a", "from b"]
metadata = ["color", "displayname"]

[storage calendars_here]
type = "filesystem"
path = "~/.calendars/"
fileext = ".ics"

[storage calendars_there]
type = "caldav"
url = "${url}"
username = "${user}"
password.fetch = ["prompt", "Password of ${user}"]
`
}

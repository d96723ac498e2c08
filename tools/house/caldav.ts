// What `npm start` runs of cairn-caldav: a user with a password of its own, a calendar, tasks and contacts.
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashPassword } from '../../shared/auth/password.ts'
import type { HouseAppliance } from '../house.ts'
import { seedStore } from './seed.ts'

const USER = 'alice'

export const caldav: HouseAppliance = {
  name: 'caldav',
  configuration: (
    folder,
  ) => `# Written by the first npm start; change it as you like, it stays. configs/caldav.toml explains every key.
listen = ["127.0.0.1:5232"]

[store]
path = ${JSON.stringify(join(folder, 'calendars.git'))}

[store.serve]
listen = "127.0.0.1:5419"

[observe]
listen = "127.0.0.1:9154"
`,
  seed: (folder) =>
    seedStore(join(folder, 'calendars.git'), async () => {
      const password = randomBytes(9).toString('base64url')
      writeFileSync(passwordFile(folder), `${password}\n`, { mode: 0o600 })
      return { 'users.toml': usersFile(await hashPassword(password)), ...SAMPLE }
    }),
  describe(at, folder) {
    const password = readPassword(folder)
    const login = `${USER}:${password ?? '<password>'}`
    const url = `http://${at.own}`
    return `CalDAV  ${url}/ for browsers and calendar programs, from ${join(folder, 'calendars.git')}
user    ${USER}, password ${password ?? 'as you set it'}
git     http://${at.git}/calendars.git
status  http://${at.observe}/status

  curl -u ${login} ${url}/calendars/${USER}/personal/breakfast.ics
  git clone http://${at.git}/calendars.git
  cd calendars && sed -i 's/Breakfast/Brunch/' calendars/${USER}/personal/breakfast.ics && git commit -am 'Later' && git push
`
  },
  async probe(port, folder) {
    const login = Buffer.from(`${USER}:${readPassword(folder)}`).toString('base64')
    const answer = await fetch(
      `http://127.0.0.1:${port}/calendars/${USER}/personal/breakfast.ics`,
      {
        headers: { authorization: `Basic ${login}` },
      },
    )
    const text = await answer.text()
    return text.includes('SUMMARY:Breakfast')
      ? undefined
      : `breakfast.ics is ${answer.status} ${text}`
  },
}

function passwordFile(folder: string): string {
  return join(folder, 'caldav.password')
}

function readPassword(folder: string): string | undefined {
  try {
    return readFileSync(passwordFile(folder), 'utf8').trim()
  } catch {
    return undefined // The person has taken it away, or made the users.
  }
}

function usersFile(hash: string): string {
  return `# Who may sign in. A new password: node appliances/caldav/main.ts hash-password
[users.${USER}]
name = "Alice"
email = ["alice@example.org"]
password = "${hash}"
`
}

function calendarObject(...lines: readonly string[]): string {
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Cairn//Sample//EN',
    ...lines,
    'END:VCALENDAR',
    '',
  ].join('\r\n')
}

const SAMPLE = {
  [`calendars/${USER}/personal/calendar.toml`]: `displayname = "Personal"
color = "#2E7D32"
components = ["VEVENT"]
`,
  [`calendars/${USER}/personal/breakfast.ics`]: calendarObject(
    'BEGIN:VEVENT',
    'UID:breakfast@cairn.example',
    'DTSTAMP:20260101T000000Z',
    'DTSTART:20260103T080000Z',
    'DTEND:20260103T090000Z',
    'RRULE:FREQ=WEEKLY',
    'SUMMARY:Breakfast',
    'END:VEVENT',
  ),
  [`calendars/${USER}/tasks/calendar.toml`]: `displayname = "Tasks"
color = "#1565C0"
components = ["VTODO"]
`,
  [`calendars/${USER}/tasks/look-around.ics`]: calendarObject(
    'BEGIN:VTODO',
    'UID:look-around@cairn.example',
    'DTSTAMP:20260101T000000Z',
    'SUMMARY:Look around with git log',
    'END:VTODO',
  ),
  [`addressbooks/${USER}/contacts/addressbook.toml`]: `displayname = "Contacts"
`,
  [`addressbooks/${USER}/contacts/bob.vcf`]: [
    'BEGIN:VCARD',
    'VERSION:4.0',
    'UID:bob@cairn.example',
    'FN:Bob Example',
    'N:Example;Bob;;;',
    'EMAIL:bob@example.org',
    'END:VCARD',
    '',
  ].join('\r\n'),
}

// `import --robur`: a checked-out branch of robur's caldav taken into a clone, users and calendars at once.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { addGroup, addUser } from '../core/accounts/users-edit.ts'
import { PROP_FILE, readRoburProperties } from '../core/bulk/robur-properties.ts'
import { planOf, type RoburPlan } from '../core/bulk/robur-repository.ts'
import type { Properties } from '../core/library/settings.ts'
import { filesIn, ObjectIntake, type BulkTerminal } from './object-intake.ts'
import { UsersFolder } from './users-folder.ts'

/**
 * Gives the exit code; 78 when something was left out. What is in the clone already stays as it is, but with `isReplacing`
 * for objects that say something else now.
 */
export function importRobur(
  source: string,
  dir: string,
  terminal: BulkTerminal,
  isReplacing = false,
): number {
  const calendarsFolder = join(source, 'calendars')
  if (!existsSync(join(calendarsFolder, PROP_FILE)))
    throw new Fatal(`${source} is no checked-out branch of robur's caldav: no calendars/.prop`)
  const plan = planOf({
    principals: propertiesBelow(join(source, 'principals')),
    calendars: propertiesBelow(calendarsFolder),
  })
  const folder = new UsersFolder(dir)
  const users = takeUsers(plan, folder, terminal)
  let left = plan.remarks.length
  for (const remark of plan.remarks) terminal.err(`${remark}\n`)
  for (const calendar of plan.calendars) {
    folder.make(`${calendar.folder}/calendar.toml`, calendar.settings)
    const intake = new ObjectIntake('calendar', join(dir, calendar.folder), terminal, isReplacing)
    const files = filesIn(join(calendarsFolder, calendar.from), 'calendar')
    for (const file of files) intake.take(file)
    left += intake.left
    terminal.out(`${intake.taken} taken into ${join(dir, calendar.folder)}\n`)
  }
  if (users.length > 0)
    terminal.out(
      `Passwords are not carried over: they are hashed in a way that is not checked here. Before they can sign in,\n` +
        users.map((name) => `  cairn-caldav user passwd ${name}\n`).join(''),
    )
  return left === 0 ? EXIT.OK : EXIT.CONFIG
}

/** Gives the names of those that are new. */
function takeUsers(plan: RoburPlan, folder: UsersFolder, terminal: BulkTerminal): string[] {
  const isNew = ({ name }: { readonly name: string }): boolean => {
    if (folder.directory.get(name) === undefined) return true
    terminal.err(`${name} is in users.toml already and stays as it is\n`)
    return false
  }
  const users = plan.users.filter(isNew)
  let { text } = folder
  for (const user of users) text = addUser(text, { ...user, emails: [] })
  for (const { name, members } of plan.groups.filter(isNew)) text = addGroup(text, name, members)
  if (text !== folder.text) folder.write(text)
  return users.map(({ name }) => name)
}

/** Of each folder with a `.prop`, by its name. */
function propertiesBelow(folder: string): Map<string, Properties> {
  const found = new Map<string, Properties>()
  if (!existsSync(folder)) return found
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  for (const name of names.sort()) {
    const file = join(folder, name, PROP_FILE)
    if (!existsSync(file)) throw new Fatal(`${file} is not there`)
    const properties = readRoburProperties(readFileSync(file))
    if (!properties.ok) throw new Fatal(`${file}: ${properties.error}`)
    found.set(name, properties.value)
  }
  return found
}

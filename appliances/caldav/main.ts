#!/usr/bin/env node
// cairn-caldav: calendars and contacts for every client, kept in a git branch.
import { runAppliance } from '../../shared/appliance/appliance.ts'
import { hashPasswordCommand } from '../../shared/appliance/hash-password.ts'
import { joinNeeds } from '../../shared/sandbox/needs.ts'
import { checkStore, storeNeeds } from '../../store/index.ts'
import { exportCommand, importCommand } from './cli/bulk-commands.ts'
import { historyCommand, restoreCommand } from './cli/history-commands.ts'
import { linkCommand } from './cli/link-command.ts'
import { userCommand } from './cli/user-command.ts'
import { caldavConfig } from './config.ts'
import { ldapPort } from './ldap-table.ts'
import { certificateProblems, keeperAt, serve } from './serve.ts'

await runAppliance({
  name: 'cairn-caldav',
  version: process.env.CAIRN_VERSION ?? 'from source',
  decode: caldavConfig,
  check: async (config) => [
    ...certificateProblems(config),
    ...checkStore(config.store, keeperAt().accept),
  ],
  needs: (config) =>
    joinNeeds(storeNeeds(config.store), {
      read: [config.ldap?.ca, config.ldap?.passwordFile].filter((file) => file !== undefined),
      reread: config.tls === undefined ? [] : [config.tls.cert, config.tls.key],
      write: [],
      connect: [
        ...(config.subscriptions?.ports ?? []),
        ...(config.ldap === undefined ? [] : [ldapPort(config.ldap)]),
      ],
      // What a request makes is gone when it is answered; a tenth of what is said of memory with 100,000 events.
      youngMegabytes: 8,
    }),
  start: serve,
  commands: {
    user: userCommand,
    link: linkCommand,
    import: importCommand,
    export: exportCommand,
    history: historyCommand,
    restore: restoreCommand,
    'hash-password': hashPasswordCommand,
  },
  help: {
    summary: 'Serves calendars and contacts that live in a git branch, by CalDAV and CardDAV.',
    example: `
listen = ["127.0.0.1:5232"]
[store]
path = "var/calendars.git"
[store.serve]
listen = "127.0.0.1:5419"
`,
    tryIt: `
git clone http://127.0.0.1:5419/calendars.git && cd calendars
cairn-caldav user add alice --name Alice --email alice@example.org
git add . && git commit -m 'Alice' && git push             from now on alice can sign in
curl -u alice -X MKCALENDAR http://127.0.0.1:5232/calendars/alice/work/
`,
    readOn: 'appliances/caldav/README.md, and configs/caldav.toml with every key explained',
  },
})

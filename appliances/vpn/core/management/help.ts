// What `help` prints: the commands there are, in the form of stock OpenVPN's list.

export const HELP: readonly string[] = [
  'Commands:',
  ...(
    [
      ['bytecount n', 'Show bytes in/out of each client, every n secs (0=off).'],
      ['client-kill CID [M]', 'End client CID with message M (def=RESTART).'],
      ['exit|quit', 'Close management session.'],
      ['help', 'Print this message.'],
      ['hold [off|release]', 'Nothing is ever held: answered for those who ask.'],
      ['kill cn', 'End the client(s) with common name cn.'],
      ['kill IP:port', 'End the client that connects from IP:port.'],
      ['load-stats', 'Show the number of clients and their bytes.'],
      ['log [on|off] [N|all]', "Real-time log on or off, and the last N lines or 'all'."],
      ['pid', 'Show the process ID.'],
      ['signal s', 'SIGHUP: read the branch again. SIGUSR1: restart all clients.'],
      ['', 'SIGUSR2: status to the log. SIGTERM: end the gateway.'],
      ['state [on|off] [N|all]', 'Like log, for the state.'],
      ['status [n]', 'Show who is connected, in format n (1, 2 or 3).'],
      ['version', 'Show the version.'],
    ] as const
  ).map(([command, what]) => `${command.padEnd(22)} ${command === '' ? ' ' : ':'} ${what}`),
]

// What a browser sees at `/`: where a calendar program finds its calendars.
import type { Reply } from './core/request.ts'

export function welcomePage(base: string): Reply {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; form-action 'none'",
      'cache-control': 'max-age=300',
    },
    body: `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Cairn: calendars and contacts</title>
<h1>Calendars and contacts</h1>
<p>This is a CalDAV and CardDAV server. Give your calendar program the address of this page, your user name and your
password: it finds the rest.
<ul>
<li>Programs that want the address of a calendar: <code>${base}calendars/&lt;user&gt;/&lt;calendar&gt;/</code>
<li>Address books: <code>${base}addressbooks/&lt;user&gt;/&lt;book&gt;/</code>
<li>Files by WebDAV: <code>${base}files/&lt;user&gt;/</code>
</ul>
</html>
`,
  }
}

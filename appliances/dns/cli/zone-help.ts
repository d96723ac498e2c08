// What `cairn-dns zone --help` says.

export const HELP = `Shows, edits, compares and checks zones: in a clone (then commit and push), or at a running server with --server.
Comments, order and columns of zone files stay as they are.

Usage: cairn-dns zone show ZONE [NAME] [--type TYPE]
       cairn-dns zone set NAME TYPE DATA... [--ttl TTL] [--add]
       cairn-dns zone delete NAME [TYPE [DATA...]]
       cairn-dns zone import FILE ZONE          (- reads standard input)
       cairn-dns zone export ZONE
       cairn-dns zone log ZONE [--limit N]      who changed what, and when
       cairn-dns zone diff REV..REV [ZONE]      two commits; REV is HEAD~2, a tag, an id, ...
       cairn-dns zone diff ZONE --server ADDR   what the clone has and the server has not
       cairn-dns zone diff FILE FILE
       cairn-dns zone check [DIR [FILE...]]     (with files: the zones these are a part of)

In a clone:
  --dir DIR        the clone, . without it
  --view NAME      the zones of a view, in views/NAME/zones
  --keep-serial    do not raise the SOA serial
At a server, any that speaks AXFR and UPDATE:
  --server ADDR    192.0.2.1, [2001:db8::1]:5300 or ns.example.org; show, set, delete, diff, import, export
  --key KEY        a file of tsig-keygen, or name:algorithm:secret (other users of the machine may see that)
  --tls NAME       over TLS, to a server with a certificate for this name
Both:
  --ttl TTL        such as 300 or 1h; without it as the other records have it
  --add            keep the other records of that name and type
  --limit N        changes that log shows, 20 without it

Try it:
  cairn-dns zone set www.example.org A 192.0.2.7 --ttl 300
  cairn-dns zone set example.org MX 10 mail.example.org --add
  cairn-dns zone set _dmarc.example.org TXT 'v=DMARC1; p=none'
  cairn-dns zone delete old.example.org --server 192.0.2.1 --key laptop.key
  cairn-dns zone diff HEAD~5.. example.org
  dig axfr example.org @old-server | cairn-dns zone import - example.org

Names in DATA are whole names; one without a dot is below the zone.
Changes are coloured on a terminal, unless NO_COLOR is set.
Exit codes: 0 fine, 64 bad usage, 78 errors in the zones, or nothing done for a reason that is told.
`

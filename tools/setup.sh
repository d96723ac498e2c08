#!/bin/sh
# Brings node_modules (the Node 26 runtime with it) up to date with the lock file; does nothing when it already is.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.package-lock.json
if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
  echo "cairn: installing what package-lock.json names (once; about a minute)" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch "$stamp"
fi

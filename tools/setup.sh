#!/bin/sh
# Brings node_modules (the Node 26 runtime with it) up to date with the lock file; does nothing when it already is.
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.package-lock.json
if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
  echo "cairn: installing what package-lock.json names (once; about a minute)" >&2
  # Not npm ci: it refuses a lock file that lacks the binaries of other platforms, and a registry need not carry them
  # all. What the lock file names is installed as it says; it is not written.
  npm install --no-save --no-audit --no-fund --loglevel=error >&2
  touch "$stamp"
fi

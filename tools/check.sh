#!/bin/sh
# Types, lint, format and dead code: everything that is wrong without running anything.
set -u
status=0
step() {
  name=$1; shift
  if out=$("$@" 2>&1); then echo "ok    $name"; else echo "FAIL  $name"; echo "$out"; status=1; fi
}
step types  tsc -p . --incremental --tsBuildInfoFile node_modules/.cache/types.tsbuildinfo
for page in appliances/*/web; do step page tsc -p "$page"; done
step lint   oxlint --type-aware --quiet .
step format oxfmt --check .
step unused knip --no-progress
exit $status

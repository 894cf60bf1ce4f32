#!/usr/bin/env bash
# The symbols that libframelift.so exports are those of the list: functions of framelift.h, which are only ever added.
#   tests/api/check_symbols.sh LIBRARY LIST
set -euo pipefail
diff <(sort "$2") <(nm -D --defined-only "$1" | awk '$2 == "T" || $2 == "D" || $2 == "B" || $2 == "W" { print $3 }' | sort) ||
  { echo "the library's symbols are not those of $2 (< missing, > not listed)"; exit 1; }

#!/usr/bin/env bash
# What the things of a home take on disk, table by table with their indexes: rows, megabytes, bytes a row. For a stopped home's folder (SQLite;
# needs sqlite3) or the URL of its PostgreSQL database (needs psql).
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: scripts/sizes.sh HOME | postgres://…" >&2; exit 2; }

line() { printf '%-12s %12s rows %10.1f MB %10.1f bytes a row\n' "$1" "$2" "$(bc -l <<<"$3/1000000")" "$( [ "$2" -eq 0 ] && echo 0 || bc -l <<<"$3/$2")"; }

case $1 in
postgres*)
  psql -qAt -c "VACUUM ANALYZE" "$1"
  psql -qAt -F' ' -c "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY 2 DESC" "$1" | while read -r table bytes; do
    line "$table" "$(psql -qAt -c "SELECT COUNT(*) FROM \"$table\"" "$1")" "$bytes"
  done
  ;;
*)
  for file in "$1"/database/rapport.db "$1"/database/history.db; do
    sqlite3 -readonly -separator ' ' "$file" "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name WHERE m.tbl_name NOT LIKE 'sqlite_%' GROUP BY 1 ORDER BY 2 DESC" | while read -r table bytes; do
      line "$table" "$(sqlite3 -readonly "$file" "SELECT COUNT(*) FROM \"$table\"")" "$bytes"
    done
  done
  ;;
esac

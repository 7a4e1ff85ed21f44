#!/usr/bin/env bash
# Installs what the tests need on Debian or Ubuntu: PostgreSQL (server), Chromium, Node with npm, Python and curl (for the snippets of the docs), strace, systemd (to check our unit), promtool (to check our alerts), and the pinned Node packages.
# As root it installs what is missing; otherwise it names it in one sentence and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

want=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || want+=(postgresql)
command -v chromium >/dev/null || command -v google-chrome >/dev/null || want+=(chromium)
command -v node >/dev/null || want+=(nodejs)
command -v npm >/dev/null || want+=(npm)
command -v python3 >/dev/null || want+=(python3)
command -v curl >/dev/null || want+=(curl)
command -v strace >/dev/null || want+=(strace)
command -v systemd-analyze >/dev/null || want+=(systemd)
command -v cc >/dev/null || want+=(gcc libc6-dev)
promtool=
command -v promtool >/dev/null || promtool=prometheus

if [ ${#want[@]} -gt 0 ] || [ -n "$promtool" ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need ${want[*]} $promtool: install them (Debian: apt-get install ${want[*]} $promtool) and run make test again." >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # The package's own cluster is not needed: the tests start their own server.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
  [ ${#want[@]} -eq 0 ] || apt-get install -y -qq --no-install-recommends "${want[@]}" >/dev/null
  if [ -n "$promtool" ]; then # the tool alone: the package would start a server
    package=$(mktemp -d)
    (cd "$package" && apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg-deb -x prometheus_*.deb . && install -m 755 usr/bin/promtool /usr/local/bin/promtool)
    rm -rf "$package"
  fi
fi

for packages in cmd/rapport/testdata/*/package-lock.json; do
  (cd "$(dirname "$packages")" && npm ci --no-audit --no-fund --loglevel=error)
done

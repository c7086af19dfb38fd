#!/bin/sh
# Install the Debian/Ubuntu packages that gridwire runs on, without starting, stopping or editing anything else.
# usage: prerequisites.sh [--test] [--bench] [--browser] [--compose] [--kernel] [--rootless]
#   --test      what only the tests want, too
#   --bench     what only `gridwire bench` wants, too
#   --browser   what only `make test-browser` wants, too
#   --compose   what only `make test-compose` wants, too: Docker's engine, which is started by no unit
#   --kernel    what it takes to boot a machine with another kernel, too
#   --rootless  what the demo wants to run without root, too; taken for granted from a user who is not root
#
# Debian's packages start what they install (nginx on 0.0.0.0:80). So apt runs under a policy-rc.d that answers
# 101 (invoke-rc.d(8)), and a service that this script brought is masked, lest it start at the next boot.
# What was there before is left exactly as it was.
set -eu

packages="iproute2 kmod nftables nginx libnginx-mod-http-lua lua-cjson lua-resty-core libnginx-mod-stream passwd procps
python3 python3-venv util-linux wireguard-go wireguard-tools"
[ "$(id -u)" = 0 ] || set -- --rootless "$@"
for option in "$@"; do
  case "$option" in
    --test) packages="$packages debootstrap iptables systemd tcpdump ufw uidmap" ;;
    --bench) packages="$packages haproxy wrk" ;;
    --browser) packages="$packages chromium fonts-liberation" ;;
    --kernel) packages="$packages cpio $(case "$(uname -m)" in aarch64) echo qemu-system-arm ;; *) echo qemu-system-x86 ;; esac)" ;;
    --compose) packages="$packages debootstrap docker-compose docker.io" ;;
    --rootless) packages="$packages uidmap" ;;
    *) echo "packages: there is no option $option" >&2; exit 2 ;;
  esac
done

missing=""
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "packages: all there"
  exit 0
fi

command -v apt-get >/dev/null || { echo "packages: this is not Debian or Ubuntu; install:$missing" >&2; exit 1; }
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "packages: run as root, or install:$missing" >&2; exit 4; }
  echo "packages: sudo is needed to install:$missing"
  exec sudo -- "$0" "$@"
fi

echo "packages: installing$missing (nothing that they bring is started)"
services="nginx.service haproxy.service docker.service docker.socket containerd.service"
before=" "
for service in $services; do
  [ ! -e "/lib/systemd/system/$service" ] || before="$before$service "
done

policy=/usr/sbin/policy-rc.d
kept=""
if [ -e "$policy" ] || [ -L "$policy" ]; then
  kept="$policy.before-gridwire"
  mv "$policy" "$kept"
fi
put_back() {
  rm -f "$policy"
  [ -z "$kept" ] || mv "$kept" "$policy"
}
trap put_back EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\nexit 101\n' > "$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086  # one word per package
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "packages: apt failed; the lines above say why" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"

brought=""
for service in $services; do
  case "$before" in *" $service "*) continue ;; esac
  [ ! -e "/lib/systemd/system/$service" ] || brought="$brought $service"
done
if [ -n "$brought" ] && command -v systemctl >/dev/null; then
  # shellcheck disable=SC2086  # one word per unit
  systemctl mask --quiet $brought
  mkdir -p /var/lib/gridwire  # `gridwire uninstall --purge` reads it
  for service in $brought; do echo "$service"; done >> /var/lib/gridwire/brought
  echo "packages: masked, since gridwire brought them:$brought (systemctl unmask undoes it)"
fi

#!/bin/sh
# Make the root file system that the machines of `make test-systemd` boot from: Debian 12 with systemd, the packages
# of packaging/prerequisites.sh, the wheels that gridwire needs and those of what users install it with. Once, some
# minutes; kept in $GRIDWIRE_CACHE.
# usage: root.sh PYTHON     (PYTHON: a 3.11 that has pip, to fetch the wheels)
set -eu

python=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
cache=${GRIDWIRE_CACHE:-$HOME/.cache/gridwire}/systemd
root=$cache/root
stamp=$(cat "$here/packaging/prerequisites.sh" "$here/requirements/run.lock" "$here/requirements/wheel.lock" "$0" |
  sha256sum | cut -d' ' -f1)

if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "systemd root: $root"
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo "systemd root: run as root" >&2; exit 4; }
mkdir -p "$cache"
rm -rf "$cache/stamp"
if [ ! -e "$cache/bare.done" ]; then
  echo "systemd root: debootstrap, some minutes"
  rm -rf "$cache/bare"
  debootstrap --variant=minbase \
    --include=systemd,systemd-sysv,dbus,iproute2,python3,python3-venv,logrotate,curl,ca-certificates,procps \
    bookworm "$cache/bare" > "$cache/debootstrap.log" 2>&1 || { tail -n 5 "$cache/debootstrap.log" >&2; exit 1; }
  touch "$cache/bare.done"
fi

echo "systemd root: packages and wheels"
rm -rf "$root"
cp -a "$cache/bare" "$root"
cp "$here/packaging/prerequisites.sh" "$root/root/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# In a mount namespace: nothing stays mounted, whatever happens here.
unshare --mount --propagation private sh -eu -c '
  mount -t proc proc "$1/proc"
  exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root sh /root/prerequisites.sh' sh "$root"
rm -f "$root/root/prerequisites.sh" "$root/etc/resolv.conf" "$root"/var/cache/apt/archives/*.deb
# Mapped to lower ids or not, a machine has an identity of its own.
: > "$root/etc/machine-id"
mkdir -p "$root/opt/wheels"
for lock in run wheel; do
  "$python" -m pip download -q --disable-pip-version-check --require-hashes --only-binary :all: \
    -r "$here/requirements/$lock.lock" -d "$root/opt/wheels"
done
echo "$stamp" > "$cache/stamp"
echo "systemd root: $root"

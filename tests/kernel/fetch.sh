#!/bin/sh
# Fetch what `make test-kernel` boots: Debian's kernel package and a static busybox, unpacked and never installed
# (installed, a kernel runs update-initramfs and update-grub). No root; kept in $GRIDWIRE_CACHE.
# usage: fetch.sh PACKAGE     (PACKAGE: the kernel's, as linux-image-amd64)
set -eu

package=$1
cache=${GRIDWIRE_CACHE:-$HOME/.cache/gridwire}/kernel
stamp=$(printf '%s\n' "$package" | cat - "$0" | sha256sum | cut -d' ' -f1)

if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "kernel: $cache/vmlinuz"
  exit 0
fi
echo "kernel: fetching $package, 70 MB"
rm -rf "$cache"
mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/debs"

# A list of packages of its own: the host's may be empty, and only root may fetch it.
apt() {
  tool=$1
  shift
  "$tool" -q -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt" -o APT::Sandbox::User="$(id -un)" "$@"
}
fail() {
  tail -n 5 "$cache/fetch.log" >&2
  echo "kernel: $1; whole log: $cache/fetch.log" >&2
  exit 1
}
apt apt-get update > "$cache/fetch.log" 2>&1 || fail "apt-get update failed"
kernel=$(apt apt-cache depends "$package" 2>> "$cache/fetch.log" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
[ -n "$kernel" ] || fail "apt knows no $package: this is not Debian, and its own kernel has no WireGuard"
(cd "$cache/debs" && apt apt-get download "$kernel" busybox-static) >> "$cache/fetch.log" 2>&1 || fail "apt-get failed"

# All but the modules of hardware that the machine does not have: 400 MB become 60.
for deb in "$cache"/debs/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$cache" --exclude='./usr/share' --exclude='*/drivers/gpu' \
    --exclude='*/drivers/media' --exclude='*/drivers/net/ethernet' --exclude='*/drivers/net/wireless' \
    --exclude='*/drivers/scsi' --exclude='*/drivers/usb' --exclude='*/drivers/infiniband' --exclude='*/kernel/sound'
done
release=$(ls "$cache/lib/modules")
depmod -b "$cache" "$release"
ln -sf "boot/vmlinuz-$release" "$cache/vmlinuz"
echo "$release" > "$cache/release"
rm -rf "$cache/apt" "$cache/debs"
echo "$stamp" > "$cache/stamp"
echo "kernel: $cache/vmlinuz"

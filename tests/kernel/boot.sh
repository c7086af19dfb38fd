#!/bin/sh
# Run a command on Debian's kernel, in a machine whose disk is this host's own root: the same Python, packages and
# clone under the same paths. The machine only reads it and writes to its memory. No root, and no KVM: a /dev/kvm that
# does not work (seen under nested virtualisation) hangs the machine.
# usage: boot.sh FOLDER    (FOLDER: made for it, with a script `command`; gets `exit`, its exit code, and `console`)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${GRIDWIRE_CACHE:-$HOME/.cache/gridwire}/kernel
folder=$1
case "$(uname -m)" in
  x86_64) qemu=qemu-system-x86_64 board=q35 console=ttyS0 ;;
  aarch64) qemu=qemu-system-aarch64 board=virt console=ttyAMA0 ;;
  *) echo "kernel: no machine for $(uname -m)" >&2; exit 1 ;;
esac

# The modules that it takes to reach the disk, each after those that it needs.
disk="$folder/initramfs"
mkdir -p "$disk/bin" "$disk/modules"
cp "$cache/bin/busybox" "$disk/bin/busybox"
for name in sh mkdir mount insmod switch_root; do ln -s busybox "$disk/bin/$name"; done
cp "$here/init.sh" "$disk/init"
chmod 755 "$disk/init"
release=$(cat "$cache/release")
modprobe -d "$cache" -S "$release" --show-depends --all virtio_pci 9pnet_virtio 9p overlay |
  sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > "$folder/modules.list"
while read -r module; do
  cp "$module" "$disk/modules/"
  basename "$module" >> "$disk/modules/order"
done < "$folder/modules.list"
(cd "$disk" && find . | cpio --quiet --create --format=newc) | gzip -1 > "$folder/initramfs.gz"

cp "$here/machine.sh" "$folder/machine"
ln -s "$cache/lib/modules" "$folder/modules"
mkfifo "$folder/output"
cat "$folder/output" &
reader=$!
"$qemu" -machine "$board" -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -no-reboot -nographic -nodefaults \
  -kernel "$cache/vmlinuz" -initrd "$folder/initramfs.gz" \
  -append "console=$console panic=-1 quiet" \
  -chardev "file,id=console,path=$folder/console" -serial chardev:console \
  -device virtio-serial -chardev "file,id=job,path=$folder/output" -device virtserialport,chardev=job,name=job \
  -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap" \
  -virtfs "local,path=$folder,mount_tag=job,security_model=none" < /dev/null || kill "$reader"
wait "$reader" || true
if [ ! -e "$folder/exit" ]; then
  tail -n 15 "$folder/console" >&2
  echo "kernel: the machine ended before its command did; the lines above are its console's" >&2
  exit 1
fi
exit "$(cat "$folder/exit")"

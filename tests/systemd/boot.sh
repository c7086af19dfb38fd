#!/bin/sh
# Boot a root file system with systemd as process 1 of namespaces of its own: what systemd-nspawn does, by util-linux
# alone, and with a network namespace that is new at every boot, as a kernel's is.
# usage: boot.sh NAME LOWER FOLDER     (FOLDER keeps the machine's changes across its boots: an overlay of LOWER)
#
# Everything is mounted in the machine's own mount namespace, so that nothing stays behind when it ends. /proc and
# /sys are read-only but for /proc/sys/net: this is a machine for tests, and no prison.
set -eu

name=$1 lower=$2 folder=$3
mkdir -p "$folder/upper" "$folder/work" "$folder/root" "$folder/cgroup"
# A cgroup of its own, which then is the root of what the machine sees.
mount -t cgroup2 none "$folder/cgroup"
mkdir -p "$folder/cgroup/gridwire-test-$name-$$"
echo $$ > "$folder/cgroup/gridwire-test-$name-$$/cgroup.procs"
umount "$folder/cgroup"

exec unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child --propagation private -- sh -eu -c '
name=$1 lower=$2 folder=$3 root=$3/root
hostname "$name"
mount -t overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" overlay "$root"
mount -t proc proc "$root/proc"
for part in sys irq bus sysrq-trigger; do
  [ -e "$root/proc/$part" ] || continue
  mount --bind "$root/proc/$part" "$root/proc/$part"
  mount -o remount,bind,ro "$root/proc/$part"
done
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,bind,rw "$root/proc/sys/net"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
mkdir "$root/dev/net" "$root/dev/pts" "$root/dev/shm"
for device in null zero full random urandom tty net/tun; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ip link set lo up
cd "$root"
pivot_root . mnt
umount -l mnt
exec env -i container=gridwire-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system
' sh "$name" "$lower" "$folder"

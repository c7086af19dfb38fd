#!/bin/sh
# Process 1 on the machine's root: run the job, say how it ended, switch off.
# /mnt, the host's folder of this job: command (a shell script), modules (a link to those of this kernel), exit (to
# be written: the command's exit code).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /lib/modules
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t cgroup2 none /sys/fs/cgroup
mount --bind "$(readlink /mnt/modules)" /lib/modules
# Links that udev makes elsewhere; wg(8) is given its peers by /dev/stdin.
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
hostname gridwire-kernel
ip link set lo up
modprobe virtio_console
modprobe tun
env -i PATH="$PATH" HOME=/root LC_ALL=C.UTF-8 sh /mnt/command < /dev/null > /dev/vport0p1 2>&1
echo $? > /mnt/exit
# Nothing is to be kept, and a bare Debian has no poweroff: sysrq's reboot, which `qemu -no-reboot` ends with.
echo b > /proc/sysrq-trigger

#!/bin/busybox sh
# Process 1 of the machine's initramfs: the host's root file system, read-only, with memory over it; then on into it.
export PATH=/bin
mkdir -p /proc /disk /memory /root
mount -t proc proc /proc
while read -r module; do
  insmod "/modules/$module"
done < /modules/order
mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=262144 host /disk &&
  mount -t tmpfs -o size=75%,mode=0755 tmpfs /memory &&
  mkdir /memory/upper /memory/work &&
  mount -t overlay -o lowerdir=/disk,upperdir=/memory/upper,workdir=/memory/work overlay /root &&
  mkdir -p /root/mnt &&
  mount -t 9p -o trans=virtio,version=9p2000.L,cache=none job /root/mnt &&
  exec switch_root /root /bin/sh /mnt/machine

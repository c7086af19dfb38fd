#!/bin/sh
# Run tests where the kernel has WireGuard: on this host if its kernel has it, else in a machine that boots Debian's.
# A skipped test fails: what this exists for is running them.
# usage: run.sh PYTHON PYTEST_ARGUMENT...
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=$1
shift
set -- "$python" -m pytest --no-skips "$@"

# Without root a network namespace takes a user namespace; the kernel loads its module for either.
as="" new="--net"
[ "$(id -u)" = 0 ] || as=sudo new="--user --map-root-user --net"
# shellcheck disable=SC2086  # one option per word
if unshare $new ip link add type wireguard 2>/dev/null && { [ -z "$as" ] || command -v sudo >/dev/null; }; then
  echo "kernel: this host's, $(uname -r)"
  exec $as "$@"
fi

"$here/../../packaging/prerequisites.sh" --kernel
"$here/fetch.sh" "linux-image-$(dpkg --print-architecture)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' HUP INT TERM
"$python" -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' cd "$PWD" > "$folder/command"
echo 'echo "kernel: $(uname -r), in a machine"' >> "$folder/command"
"$python" -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' "$@" >> "$folder/command"
"$here/boot.sh" "$folder"

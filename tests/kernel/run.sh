#!/bin/sh
# Run tests where the kernel has WireGuard: on this host if its kernel has it, else in a machine that boots Debian's.
# A skipped test fails: what this exists for is running them.
# usage: run.sh PYTHON PYTEST_ARGUMENT...
set -eu

here=$(cd "$(dirname "$0")" && pwd)
python=$1
shift
contract=tests/adapters/test_wireguard_contract.py
grid="tests/netns/cli/test_join_netns.py tests/netns/test_kernel_grid.py"

# Without root a network namespace takes a user namespace; the kernel loads its module for either.
as="" new="--net"
[ "$(id -u)" = 0 ] || as=sudo new="--user --map-root-user --net"
# shellcheck disable=SC2086  # one option per word
if unshare $new ip link add type wireguard 2>/dev/null && { [ -z "$as" ] || command -v sudo >/dev/null; }; then
  echo "kernel: this host's, $(uname -r)"
  # shellcheck disable=SC2086  # one file per word
  exec $as "$python" -m pytest --no-skips "$@" $contract $grid
fi

"$here/../../packaging/prerequisites.sh" --kernel
"$here/fetch.sh" "linux-image-$(dpkg --print-architecture)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' HUP INT TERM
"$python" -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' cd "$PWD" > "$folder/command"
echo 'echo "kernel: $(uname -r), in a machine"' >> "$folder/command"
# An emulated CPU is some ten times slower: a grid of six hosts would be seconds of WireGuard and half an hour of Python.
echo "kernel: without a join and a grid, which want a host whose own kernel has WireGuard"
set -- env GRIDWIRE_TEST_PATIENCE=6 "$python" -m pytest --no-skips --timeout 600 "$@" $contract
"$python" -c 'import shlex, sys; print(shlex.join(sys.argv[1:]))' "$@" >> "$folder/command"
"$here/boot.sh" "$folder"

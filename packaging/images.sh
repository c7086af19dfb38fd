#!/bin/sh
# Build gridwire's image. BASE names the image that it stands on: an ordinary one where a registry can be asked,
# else one that debootstrap makes here.
# usage: images.sh [PYTHON]        BASE=debian:bookworm-slim  IMAGE=gridwire  DOCKER=docker  NETWORK=default
#   PYTHON  one with pip, of the version in BASE: it fetches what the image installs, so that the build itself asks
#           no package index. Without it the build asks.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
docker=${DOCKER:-docker}
image=${IMAGE:-gridwire}
base=${BASE:-debian:bookworm-slim}
python=${1:-}

command -v "${docker%% *}" > /dev/null || { echo "images: docker is not installed: 1 skipped, 0 built"; exit 0; }
$docker version > /dev/null 2>&1 || { echo "images: no Docker engine answers: 1 skipped, 0 built"; exit 0; }

bootstrap() {
  command -v debootstrap > /dev/null || { echo "images: $base cannot be had; apt install debootstrap" >&2; exit 1; }
  [ "$(id -u)" = 0 ] || { echo "images: $base cannot be had, and debootstrap wants root" >&2; exit 4; }
  root=$(mktemp -d)
  trap 'rm -rf --one-file-system "$root"' EXIT
  echo "images: $base cannot be had: debootstrap makes gridwire-base, some minutes"
  debootstrap --variant=minbase bookworm "$root" > "$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; exit 1; }
  rm -f "$root.log" "$root"/var/cache/apt/archives/*.deb
  tar -C "$root" --exclude='./proc/*' --exclude='./sys/*' -c . | $docker import - gridwire-base > /dev/null
}

if ! $docker image inspect "$base" > /dev/null 2>&1 && ! $docker pull -q "$base" > /dev/null 2>&1; then
  base=gridwire-base
  $docker image inspect "$base" > /dev/null 2>&1 || bootstrap
fi

offline=
if [ -n "$python" ]; then
  mkdir -p "$here/packaging/wheels"
  "$python" -m pip download -q --disable-pip-version-check --require-hashes --only-binary :all: \
    -r "$here/requirements/run.lock" -d "$here/packaging/wheels"
  offline=1
fi
echo "images: $image on $base"
DOCKER_BUILDKIT=1 $docker build -q --network "${NETWORK:-default}" --build-arg "BASE=$base" \
  --build-arg "PIP_NO_INDEX=$offline" -t "$image" -f "$here/packaging/Dockerfile" "$here"

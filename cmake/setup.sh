#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# setup.sh [--check] build|demo|test
#
# Installs what fusebox needs and is missing, and says why each piece is needed: on Debian and Ubuntu
# with apt, on macOS with Homebrew. Quick when nothing is missing. Servers that it installs are never
# started or enabled, and one that runs already is never touched.
#
#   build    compiler, build tools and libraries
#   demo     the same, and the servers that `make demo` runs
#   test     the same, and what the tests, linters and coverage use
#   --check  only lists what is missing; ends with 1 when something is
set -eu

minio_pin=v0.0.0-20260212201848-7aac2a2c5b7c # the module version of a release of 2026-02
gitleaks_pin=v8.30.1                         # the version that the scanner is compatible with
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fusebox

# profile | Debian packages, first choice first, alternatives after a slash | formula or - | why
table() {
  cat <<'TABLE'
build|g++|-|compiles fusebox
build|cmake|cmake|describes the build
build|ninja-build|ninja|runs the build
build|ccache|ccache|makes a second build quick
build|pkg-config|pkgconf|finds hiredis and toml++
build|libboost1.81-dev/libboost-dev|boost|Boost.DLL loads plugins
build|libboost-json1.81-dev/libboost-json-dev|-|JSON
build|libboost-program-options1.81-dev/libboost-program-options-dev|-|command line
build|libboost-filesystem1.81-dev/libboost-filesystem-dev|-|Boost.DLL uses it
build|libfmt-dev|fmt|text formatting
build|libtomlplusplus-dev|tomlplusplus|reads fusebox.toml
build|libarchive-dev|libarchive|tar streams of volumes
build|libcurl4-openssl-dev|-|HTTP probes
build|libpq-dev|libpq|PostgreSQL probe
build|libhiredis-dev|hiredis|Redis probe
build|libssl-dev|openssl@3|SHA-256 and request signatures
build|libre2-dev|re2|the scanner's expressions
build|libhyperscan-dev/libvectorscan-dev|vectorscan|makes the scanner quick
demo|postgresql-15/postgresql|postgresql@17|Langfuse's main database
demo|redis-server|redis|Langfuse's queue and cache
demo|clickhouse-server|clickhouse|Langfuse's traces
demo|clickhouse-client|-|clickhouse-shell
test|doctest-dev|doctest|unit tests
test|gdb|-|writes the core dump that the secrets test searches
test|gcovr|gcovr|line coverage
test|clang-14/clang|llvm|second compiler for the header matrix; fuzzing
test|libclang-rt-14-dev/libclang-rt-dev|-|libFuzzer
test|clang-format|clang-format|formatting
test|clang-tidy|-|static analysis
test|zstd|zstd|archive tests
test|age|age|encrypted backups
test|restic|restic|what backups are measured against
test|python3|-|drives clang-tidy, the benchmarks and the tests' container engine
test|zsh|zsh|runs the completions
test|fish|fish|runs the completions
test|docker.io/docker-ce|-|a container engine of the tests' own
test|docker-registry|-|a registry of the tests' own
test|busybox-static/busybox|-|the tools in the tests' images
test|iproute2|-|a network of the tests' own
test|util-linux|-|the namespaces of the tests' engine
TABLE
}

say() { printf 'setup: %s\n' "$*"; }
warn() { printf 'setup: WARNING: %s\n' "$*" >&2; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
seconds_since() { echo "$(($(date +%s) - $1)) s"; }

# The rows of the wanted profile: demo and test include those before them.
rows() {
  case $profile in
    build) table | grep '^build|' ;;
    demo) table | grep -E '^(build|demo)\|' ;;
    test) table ;;
  esac
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "\`$*\` needs root, and there is no sudo; run this script as root once"
  fi
}

# ---- Debian and Ubuntu -------------------------------------------------------------------------

policy=/usr/sbin/policy-rc.d
policy_aside=$policy.before-fusebox
clusters=/etc/postgresql-common/createcluster.conf
mark='written by the set-up of fusebox'

# Keeps apt from starting servers. A policy that somebody else wrote and that forbids it already is
# left as it is; one that would allow it is set aside meanwhile.
forbid_starts() {
  if [ -e "$policy" ]; then
    rc=0
    "$policy" redis-server start >/dev/null 2>&1 || rc=$?
    [ "$rc" -eq 101 ] && return
    as_root mv "$policy" "$policy_aside"
  fi
  printf '#!/bin/sh\n# %s, for the time of an installation\nexit 101\n' "$mark" |
    as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

# PostgreSQL's package makes and enables a cluster "main" unless told not to.
forbid_cluster() {
  as_root mkdir -p "${clusters%/*}"
  printf 'create_main_cluster = false # %s\n' "$mark" | as_root tee -a "$clusters" >/dev/null
}

# Takes away what the two functions above left, and nothing else. Safe to call at any time.
restore_policies() {
  if grep -qs "$mark" "$policy"; then as_root rm -f "$policy"; fi
  if [ -e "$policy_aside" ]; then as_root mv "$policy_aside" "$policy"; fi
  if grep -qs "$mark" "$clusters"; then
    as_root sed -i.fusebox "/$mark/d" "$clusters"
    as_root rm -f "$clusters.fusebox"
    if [ ! -s "$clusters" ]; then
      stock=/usr/share/postgresql-common/createcluster.conf
      if [ -e "$stock" ]; then as_root cp "$stock" "$clusters"; else as_root rm -f "$clusters"; fi
    fi
  fi
}

# Prints "<profile>|<package or alternatives>|<why>" for each row that is not installed.
missing_debian() {
  # shellcheck disable=SC2046 # one word per package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' \
    $(rows | cut -d'|' -f2 | tr '/' ' ') 2>/dev/null | sed -n 's/^installed //p')
  rows | while IFS='|' read -r row_profile choices _ why; do
    found=
    for package in $(echo "$choices" | tr '/' ' '); do
      case "
$installed
" in *"
$package
"*) found=yes ;; esac
    done
    [ -n "$found" ] || echo "$row_profile|$choices|$why"
  done
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1 \
    apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}

# The first of several alternatives that this distribution has.
candidate_of() {
  for package in $(echo "$1" | tr '/' ' '); do
    if apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'; then
      echo "$package"
      return
    fi
  done
}

install_debian() {
  restore_policies # what a killed run may have left
  missing=$(missing_debian)
  [ -n "$missing" ] || return 0
  started=$(date +%s)
  say "reading the package lists"
  apt update || warn "the package lists could not be read afresh; going on with the ones at hand"

  packages=
  servers=
  old_ifs=$IFS
  IFS='
'
  for row in $missing; do
    IFS='|' read -r row_profile choices why <<ROW
$row
ROW
    package=$(IFS=$old_ifs && candidate_of "$choices")
    if [ -n "$package" ]; then
      say "$(printf '%-34s %s' "$package" "$why")"
      packages="$packages $package"
      servers="$servers $package"
    elif [ "$row_profile" = build ]; then
      die "no package $choices here ($why); install it by other means or use Debian 12"
    else
      warn "no package $choices here ($why): what needs it is skipped; its own site has packages"
    fi
  done
  IFS=$old_ifs
  [ -n "$packages" ] || return 0

  say "installing these with apt (a few minutes on a fresh machine); no server is started"
  trap restore_policies EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  forbid_starts
  case $servers in *postgresql*) forbid_cluster ;; esac
  log=$(mktemp)
  # shellcheck disable=SC2086 # one word per package
  apt install -y --no-install-recommends --no-upgrade $packages >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    die "apt could not install them; its last messages are above, all of them are in $log"
  }
  rm -f "$log"
  keep_disabled "$servers"
  restore_policies
  trap - EXIT INT TERM HUP
  say "done in $(seconds_since "$started")"
}

# Packages enable their units for the next boot; fusebox wants the programs only.
keep_disabled() {
  for package in $1; do
    case $package in
      postgresql*) disable postgresql.service ;;
      docker.io) disable docker.service docker.socket containerd.service ;;
      docker-registry | *-server) disable "$package.service" ;;
    esac
  done
}

# disable <unit>...: by systemd where it is; where it is not yet, by the links that enable a unit.
disable() {
  for unit in "$@"; do
    if have systemctl; then
      as_root systemctl disable --quiet "$unit" 2>/dev/null || true
    else
      as_root rm -f /etc/systemd/system/*.wants/"$unit"
      as_root update-rc.d "${unit%.*}" disable >/dev/null 2>&1 || true
    fi
  done
}

# ---- macOS -------------------------------------------------------------------------------------

missing_macos() {
  installed=$(brew list -1 2>/dev/null)
  rows | while IFS='|' read -r row_profile _ formula why; do
    [ "$formula" = - ] && continue
    echo "$installed" | grep -qxF "$formula" || echo "$row_profile|$formula|$why"
  done
}

install_macos() {
  have brew || die "Homebrew is missing: see https://brew.sh, then run this again"
  missing=$(missing_macos)
  [ -n "$missing" ] || return 0
  started=$(date +%s)
  echo "$missing" | while IFS='|' read -r row_profile formula why; do
    say "$(printf '%-34s %s' "$formula" "$why")"
    brew install --quiet "$formula" </dev/null || {
      [ "$row_profile" = demo ] || die "brew could not install $formula; its messages are above"
      warn "brew could not install $formula: what needs it is skipped"
    }
  done
  say "done in $(seconds_since "$started"); brew starts no server by itself"
}

# ---- MinIO: its makers publish source only ------------------------------------------------------

go_is_new_enough() {
  have go || return 1
  version=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 24 ]
}

# True when MinIO is there in the pinned version, or one of the user's own.
have_minio() {
  if [ -x "$cache/bin/minio" ]; then
    [ ! -e "$cache/bin/minio.pin" ] || [ "$(cat "$cache/bin/minio.pin")" = "$minio_pin" ]
  else
    have minio
  fi
}

install_minio() {
  have_minio && return
  if go_is_new_enough; then
    started=$(date +%s)
    say "MinIO: building $minio_pin with go, once (about 3 minutes on 2 cores) into $cache/bin"
    mkdir -p "$cache/bin"
    if GOBIN=$cache/bin/.new CGO_ENABLED=0 go install "github.com/minio/minio@$minio_pin"; then
      mv "$cache/bin/.new/minio" "$cache/bin/minio"
      rmdir "$cache/bin/.new"
      echo "$minio_pin" >"$cache/bin/minio.pin"
      say "MinIO: done in $(seconds_since "$started")"
      return
    fi
    rm -rf "$cache/bin/.new"
    warn "MinIO IS SKIPPED: go could not build it; its messages are above."
    return
  elif [ "$system" = Darwin ] && brew install --quiet minio </dev/null; then
    return
  fi
  warn "MinIO IS SKIPPED: no minio in PATH, and no go 1.24 or newer to build it with."
  warn "Install go from https://go.dev/dl/ and run this again to have it."
}

# ---- gitleaks: what the scanner is compared with --------------------------------------------------

have_gitleaks() {
  [ -x "$cache/bin/gitleaks" ] && [ "$(cat "$cache/bin/gitleaks.pin" 2>/dev/null)" = "$gitleaks_pin" ]
}

# The program, its rules, and the sources of these, which are full of examples.
install_gitleaks() {
  have_gitleaks && return
  if ! go_is_new_enough; then
    warn "GITLEAKS IS SKIPPED: there is no go 1.24 or newer, so the scanner is not compared with it."
    return
  fi
  started=$(date +%s)
  module=github.com/zricethezav/gitleaks/v8
  say "gitleaks: building $gitleaks_pin with go, once, into $cache/bin"
  mkdir -p "$cache/bin" "$cache/gitleaks"
  if GOBIN=$cache/bin/.new CGO_ENABLED=0 go install "$module@$gitleaks_pin"; then
    source=$(go env GOMODCACHE)/$module@$gitleaks_pin
    cp "$source/config/gitleaks.toml" "$cache/gitleaks/gitleaks.toml"
    rm -rf "$cache/gitleaks/examples"
    cp -R "$source/cmd/generate/config/rules" "$cache/gitleaks/examples"
    chmod -R u+w "$cache/gitleaks"
    mv "$cache/bin/.new/gitleaks" "$cache/bin/gitleaks"
    echo "$gitleaks_pin" >"$cache/bin/gitleaks.pin"
    say "gitleaks: done in $(seconds_since "$started")"
  else
    warn "GITLEAKS IS SKIPPED: go could not build it; its messages are above."
  fi
  rm -rf "$cache/bin/.new"
}

# ---- Compose and MinIO's client: newer than Debian 12 ---------------------------------------------

compose=docker/cli-plugins/docker-compose
client=bin/mc

have_tools() { [ -x "$cache/$compose" ] && [ -x "$cache/$client" ]; }

# Debian's own mirror and keys, as apt is set up already, but its next release, in lists of their own:
# nothing of it is installed, and what apt knows of this machine's release stays as it is.
sources_of_next() {
  # shellcheck disable=SC2016 # apt-get expands these
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)|$(SIGNED_BY)' \
    'Created-By: Packages' | awk -F'|' '
      $1 == "Debian" && $2 == "Debian" && $3 == "main" {
        signed = $5 ~ /^\// ? "[signed-by=" $5 "] " : ""
        print "deb " signed $4 " trixie main"
        exit
      }'
}

# fetch_program <package> <its program's path> <where to put it>
fetch_program() {
  (
    cd "$scratch" || exit
    apt-get -qq -c apt.conf download "$1" >log 2>&1 || { cat log >&2; exit 1; }
    dpkg-deb --extract "$1"_*.deb "$1" && mkdir -p "${3%/*}" && cp "$1/$2" "$3.new" && mv "$3.new" "$3"
  )
}

install_tools() {
  have_tools && return
  if [ "$system" = Darwin ]; then
    return # OrbStack and Docker Desktop bring Compose; the tests' own engine is for Linux
  fi
  started=$(date +%s)
  sources=$(sources_of_next)
  if [ -z "$sources" ]; then
    warn "apt knows no Debian mirror, so Compose for the tests is not fetched: they use the system's"
    return
  fi
  say "Compose and MinIO's client: fetching Debian's newer packages into $cache"
  scratch=$(mktemp -d)
  mkdir -p "$scratch/lists/partial" "$scratch/archives/partial" "$scratch/none"
  chmod 755 "$scratch" # apt reads as a user of its own
  echo "$sources" >"$scratch/sources.list"
  cat >"$scratch/apt.conf" <<CONF
Dir::State::Lists "$scratch/lists";
Dir::Cache::Archives "$scratch/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "$scratch/sources.list";
Dir::Etc::SourceParts "$scratch/none";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$scratch/none";
APT::Sandbox::User "";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
CONF
  if apt-get -qq -c "$scratch/apt.conf" update &&
    fetch_program docker-compose usr/libexec/docker/cli-plugins/docker-compose "$cache/$compose" &&
    fetch_program minio-client usr/bin/minio-client "$cache/$client"; then
    say "Compose and MinIO's client: done in $(seconds_since "$started")"
  else
    warn "Compose or MinIO's client COULD NOT BE FETCHED, see above: tests that need them are skipped"
  fi
  rm -rf "$scratch"
}

# ---- main --------------------------------------------------------------------------------------

check_only=
if [ "${1:-}" = --check ]; then
  check_only=yes
  shift
fi
profile=${1:-}
case $profile in
  build | demo | test) ;;
  *) die "usage: cmake/setup.sh [--check] build|demo|test" ;;
esac

system=$(uname -s)
if [ "$system" = Darwin ]; then
  kind=macos
elif have dpkg-query && have apt-get; then
  kind=debian
else
  die "this system has neither apt nor Homebrew; README.md lists what to install by hand"
fi

if [ -n "$check_only" ]; then
  missing=$(missing_$kind)
  if [ "$profile" != build ] && ! have_minio; then
    missing=$(printf '%s\n%s' "$missing" "demo|minio|Langfuse's files")
  fi
  if [ "$profile" = test ] && [ "$system" = Linux ] && ! have_tools; then
    missing=$(printf '%s\n%s' "$missing" "test|compose, mc|the tests' container engine")
  fi
  if [ "$profile" = test ] && ! have_gitleaks; then
    missing=$(printf '%s\n%s' "$missing" "test|gitleaks|what the scanner is compared with")
  fi
  missing=$(echo "$missing" | sed '/^$/d')
  if [ -z "$missing" ]; then
    say "nothing is missing for '$profile'"
    exit 0
  fi
  echo "$missing" | while IFS='|' read -r _ name why; do
    say "missing: $(printf '%-34s %s' "$name" "$why")"
  done
  exit 1
fi

install_$kind
if [ "$profile" != build ]; then install_minio; fi
if [ "$profile" = test ]; then
  install_tools
  install_gitleaks
fi

#!/bin/sh
# Makes .venv with the pinned packages, on a machine that has nothing but Python 3.11 and pip's way
# to the packages. A second run does nothing. An environment belongs to the place that it was made
# in: in a checkout that was copied or moved there it is made anew.
#
#   cluster/bootstrap.sh               what the cluster runs with
#   cluster/bootstrap.sh dynamodb      and what STORE=dynamodb needs
#   cluster/bootstrap.sh dev           and what tests and checks need
#   cluster/bootstrap.sh dev FOLDER    the same in FOLDER instead of .venv, for another Python
set -eu

unset CDPATH
cd "$(dirname "$0")/.."
here=$(pwd -P)
venv=${2:-.venv}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() {
    printf 'livecomments: %s\n' "$1" >&2
    exit 1
}

# Of the person's environment, pip is told how packages are reached, and nothing that puts them
# elsewhere; Python nothing at all. `PYTHON` alone names the interpreter.
clean_environment() {
    for name in $(env | sed -n 's/^\(PIP_[A-Z0-9_]*\)=.*/\1/p; s/^\(PYTHON[A-Z0-9_]\{1,\}\)=.*/\1/p'); do
        case $name in
        PIP_*INDEX*|PIP_FIND_LINKS|PIP_TRUSTED_HOST|PIP_*CERT|PIP_PROXY|PIP_CONFIG_FILE) ;;
        PIP_*CACHE_DIR|PIP_*TIMEOUT|PIP_RETRIES|PIP_KEYRING_PROVIDER) ;;
        *) unset "$name" ;;
        esac
    done
    export PIP_USER=0  # pip.conf may say otherwise
}

# Run one step: a line while it works, the end of its output if it fails.
step() {
    title=$1
    shift
    printf 'setup   %s\n' "$title"
    "$@" >"$log" 2>&1 || {
        tail -n 25 "$log" >&2
        fail "failed: $title"
    }
}

find_python() {
    for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail 'Python 3.11 or newer is needed; install it, or name it with PYTHON=/path/to/python3'
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        fail "python3-venv is missing; install it (apt-get install python3-venv), or run as root or with passwordless sudo"
    fi
}

install_venv_package() {
    command -v apt-get >/dev/null || fail "$python cannot make virtual environments (no ensurepip); install that part of Python"
    version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$version"
}

# Whether the environment was made here, to its end, and its Python is still there.
is_ours() {
    [ "$(cat "$venv/.made-in" 2>/dev/null)" = "$here" ] && "$venv/bin/python" -S -c '' 2>/dev/null
}

# The stamp names everything that the environment was made from; a package directory that comes or
# goes changes the editable install too.
fingerprint() {
    cat requirements.txt requirements-dynamodb.txt requirements-dev.txt setup.cfg pyproject.toml
    ls -d -- */__init__.py
}

clean_environment
is_ours || rm -rf "$venv"
sum=$(fingerprint | cksum)
case ${1:-run} in
run) enough='run dynamodb dev' ;;
dynamodb) enough='dynamodb dev' ;;
*) enough=dev ;;
esac
for kind in $enough; do
    [ "$(cat "$venv/.stamp-$kind" 2>/dev/null)" = "$sum" ] && exit 0
done

if [ ! -e "$venv/.made-in" ]; then
    python=$(find_python)
    "$python" -c 'import ensurepip' 2>/dev/null || step 'apt-get install python3-venv' install_venv_package
    step "virtual environment in $venv" "$python" -m venv "$venv"
    printf '%s' "$here" >"$venv/.made-in"
fi
rm -f "$venv"/.stamp-*
set -- "${1:-run}"
pins='-r requirements.txt'
[ "$1" = run ] || pins="$pins -r requirements-dynamodb.txt"
[ "$1" = dev ] && pins="$pins -r requirements-dev.txt"
# shellcheck disable=SC2086  # two words each
step 'Python packages' "$venv/bin/pip" install --disable-pip-version-check --no-deps $pins
step 'livecomments itself' "$venv/bin/pip" install --disable-pip-version-check --no-deps \
    --no-build-isolation -e .
printf '%s' "$sum" >"$venv/.stamp-$1"

# shellcheck shell=bash
# lib.sh - what the scripts share: where the checkout is, installing what is missing, building.
#
# Sourced by bash scripts that have set -euo pipefail.  Sets `root`, the checkout, and `build`, its build folder
# (LATENTD_BUILD_DIR when that is set).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${LATENTD_BUILD_DIR:-$root/build}
case $build in
/*) ;;
*) build=$PWD/$build ;;
esac

# Debian's interpreter, the one that its python3-* packages are for.
python=/usr/bin/python3

# A need is "KIND WHAT PACKAGE": how to tell whether it is there, and the Debian package that brings it.
# shellcheck disable=SC2034 # used by the scripts that source this file
build_needs=(
    'command gcc gcc'
    'header stdio.h libc6-dev'
    'command meson meson'
    'command ninja ninja-build'
    'command pkg-config pkgconf'
    'library openblas libopenblas-dev'
    'library libcjson libcjson-dev'
    'library libpng libpng-dev'
    'library libturbojpeg libturbojpeg0-dev'
    'library libwebp libwebp-dev'
    'library libutf8proc libutf8proc-dev'
    'library libmicrohttpd libmicrohttpd-dev'
    'library nettle nettle-dev'
    'library libcurl libcurl4-openssl-dev'
)

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# is_there KIND WHAT
is_there() {
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    file) [ -e "$2" ] ;;
    header) gcc -E -include "$2" -x c /dev/null >/dev/null 2>&1 ;;
    library) pkg-config --exists "$2" >/dev/null 2>&1 ;;
    module) "$python" -c "import $2" >/dev/null 2>&1 ;;
    *)
        say "unknown kind of need: $1"
        return 2
        ;;
    esac
}

# Prints the packages of those needs that are not there.
missing_packages() {
    local need kind what package

    for need in "$@"; do
        read -r kind what package <<<"$need"
        is_there "$kind" "$what" || printf '%s\n' "$package"
    done
}

# install_missing NEED...  Installs with apt-get what is not there yet, and does nothing at all when nothing is
# missing, so that a complete machine needs no network and no privileges.
install_missing() {
    local packages as_root=()

    mapfile -t packages < <(missing_packages "$@" | sort -u)
    if [ ${#packages[@]} -eq 0 ]; then
        return 0
    fi
    # The first thing done with a server is a request; not worth an installation of its own.
    is_there command curl || packages+=(curl)
    if ! command -v apt-get >/dev/null 2>&1; then
        say "please install what these Debian packages hold: ${packages[*]}"
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            say "please install as root: apt-get install ${packages[*]}"
            return 1
        fi
        as_root=(sudo)
    fi
    say "installing with apt-get: ${packages[*]}"
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    # A source that has nothing to do with us may be down: whether it matters, the installation itself shows.
    "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update </dev/null >&2 ||
        say "apt-get update had errors; going on"
    "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends \
        "${packages[@]}" </dev/null >&2 || return 1
    mapfile -t packages < <(missing_packages "$@" | sort -u)
    if [ ${#packages[@]} -ne 0 ]; then
        say "still missing after the installation: ${packages[*]}"
        return 1
    fi
}

# install_packages FROM TO  Makes the folder TO the virtual environment that the folder FROM asks for: with what its
# requirements.txt names, from PyPI, and its package-lock.json, if there is one, from npm.  Does nothing when TO is that
# already.  Status 75: what is missing cannot be reached from here.
install_packages() {
    local from=$1 to=$2 needs=('module ensurepip python3-venv')

    if cmp -s "$from/requirements.txt" "$to/requirements.txt" && {
        [ ! -f "$from/package-lock.json" ] || cmp -s "$from/package-lock.json" "$to/package-lock.json"
    }; then
        return 0
    fi
    if [ -f "$from/package-lock.json" ]; then
        needs+=('command node nodejs' 'command npm npm')
    fi
    say "installing into $to what $from names"
    install_missing "${needs[@]}" || return 75
    rm -rf "$to"
    "$python" -m venv "$to" || return 1
    if ! "$to/bin/python" -m pip install --quiet --requirement "$from/requirements.txt"; then
        # Whether PyPI is there at all: a package that certainly is, thrown away.
        "$to/bin/python" -m pip download --quiet --no-deps --no-cache-dir --dest "$to/probe" pip || return 75
        return 1
    fi
    if [ -f "$from/package-lock.json" ]; then
        cp "$from/package.json" "$from/package-lock.json" "$to" || return 1
        if ! npm ci --prefix "$to" --ignore-scripts --no-audit --no-fund; then
            npm ping || return 75
            return 1
        fi
    fi
    # Last, so that an installation that was broken off is begun anew.
    cp "$from/requirements.txt" "$to"
}

# configure FOLDER COMPILER OPTION...  Sets a build folder up, or brings an existing one to these options.
configure() {
    local folder=$1 compiler=$2
    shift 2

    if [ ! -f "$folder/build.ninja" ]; then
        CC=$compiler meson setup "$folder" "$root" "$@"
    elif ! options_are "$folder" "$@"; then
        meson configure "$folder" "$@"
    fi
}

# options_are FOLDER -Dname=value...  Whether a build folder has these options already: setting them again would
# configure it anew each time.
options_are() {
    "$python" - "$@" <<'PYTHON'
import json
import sys

with open(sys.argv[1] + '/meson-info/intro-buildoptions.json', encoding='utf-8') as file:
    have = {option['name']: option['value'] for option in json.load(file)}


def same(value, text):
    if isinstance(value, bool):
        return text == ('true' if value else 'false')
    if isinstance(value, list):
        return text == ','.join(value)
    return text == str(value)


for argument in sys.argv[2:]:
    name, _, text = argument[2:].partition('=')
    if name not in have or not same(have[name], text):
        sys.exit(1)
PYTHON
}

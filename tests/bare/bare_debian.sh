#!/usr/bin/env bash
# bare_debian.sh RELEASE - the two commands of the README in a Debian root with nothing installed.
#
# Makes the root with mmdebstrap, copies the last commit into it, and there starts scripts/serve, draws a picture over
# HTTP and runs scripts/test, all suites of it.  The root shares this machine's network: nothing else may listen on
# port 7860.  Needs root.
set -euo pipefail

release=$1
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
url=http://127.0.0.1:7860
work=$(mktemp -d)
tree=$work/debian
serve_pid=

stop_serving() {
    if [ -n "$serve_pid" ]; then
        kill -KILL "$serve_pid" 2>/dev/null || true
        wait "$serve_pid" 2>/dev/null || true
        serve_pid=
    fi
}

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    stop_serving
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT

result() {
    printf '%s %s_in_bare_%s\n' "$1" "$2" "$release"
}

# The mirror that this machine's own apt uses, with its settings for reaching it.
make_debian() {
    local mirror

    # shellcheck disable=SC2016 # apt-get's own variables
    mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Identifier: Packages' |
        sed -n 's/^Debian|Debian|//p' | head -n 1)
    apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' >"$work/apt.conf" || true
    mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --aptopt="$work/apt.conf" --include=ca-certificates "$release" "$tree" \
        ${mirror:+"$mirror"}
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    mkdir "$tree/srv/latentd"
    git -c safe.directory="$checkout" -C "$checkout" archive HEAD | tar -x -C "$tree/srv/latentd"
}

# Becomes a command in the checkout inside the root, whose processes and mounts end with it.
inside() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec unshare --mount --pid --fork --kill-child --mount-proc="$tree/proc" sh -c '
        mount --rbind /dev "$1/dev"
        tree=$1
        shift
        exec chroot "$tree" env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            sh -c "cd /srv/latentd && exec \"\$@\"" sh "$@"' sh "$tree" "$@"
}

wait_until_ready() {
    local tries

    for ((tries = 0; tries < 900; tries++)); do
        if curl -fsS -o /dev/null "$url/readyz" 2>/dev/null; then
            return 0
        fi
        if ! kill -0 "$serve_pid" 2>/dev/null; then
            return 1
        fi
        sleep 1
    done
    return 1
}

if [ "$(id -u)" -ne 0 ]; then
    echo "skip bare_debian: only root can make and enter a Debian root"
    exit 0
fi
if curl -sS -o /dev/null "$url/" 2>/dev/null; then
    echo "skip bare_debian: something listens on $url already"
    exit 0
fi
make_debian

inside ./scripts/serve &
serve_pid=$!
if wait_until_ready &&
    curl -fsS --json '{"prompt": "tiger"}' -H 'Accept: image/png' -o "$work/picture.png" \
        "$url/api/v1/generate" &&
    [ "$(head -c 8 "$work/picture.png" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]; then
    result ok serve_draws_a_picture
else
    result 'not ok' serve_draws_a_picture
fi
stop_serving

# Its lines are indented: this test counts as one.
if inside ./scripts/test | sed 's/^/    /'; then
    result ok every_test_passes
else
    result 'not ok' every_test_passes
fi

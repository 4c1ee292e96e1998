#!/usr/bin/env bash
# Installs the Debian packages of a list, packages.txt if none is named, that are missing. Asks dpkg once, and apt only
# when something is missing.
set -euo pipefail

fail() {
    printf 'make deps: %s\n' "$@" >&2
    exit 1
}

mapfile -t wanted < <(grep -v '^#' "${1:-$(dirname "$0")/packages.txt}" | grep .)

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    fail "this is no Debian system (no dpkg-query or apt-get)" \
         "install what these Debian 12 packages hold by other means, then use 'make': ${wanted[*]}"

# dpkg-query fails when it does not know one of them, and still prints the rest.
known=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
installed=$(sed -n 's/^installed //p' <<<"$known")
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(sort -u <<<"$installed"))
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
        fail "packages are missing, and this user is not root and has no sudo" \
             "as root, run: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"
}

printf 'make deps: installing %s\n' "${missing[*]}"
apt update || printf 'make deps: apt-get update failed; trying with the package lists that are there\n' >&2
apt install --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install: ${missing[*]}" "see its message above; then run 'make deps' again"

#!/usr/bin/env bash
# Unpacks what builds for Windows and runs it: Debian's rustc-web (the only rustc in a registry that comes with the source of
# its standard library), MinGW and Wine. They are unpacked, not installed: rustc-web conflicts with rustup.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

RUST=(rustc-web cargo-web libstd-rust-web-dev rust-web-src)
MINGW=(binutils-mingw-w64-x86-64 gcc-mingw-w64-base mingw-w64-common mingw-w64-x86-64-dev
    gcc-mingw-w64-x86-64-win32 gcc-mingw-w64-x86-64-win32-runtime)
# zlib for Windows is named for the machine that has it installed: it is not there for Wine then.
WINDOWS=(wine64 libwine libz-mingw-w64)
# The standard library of the Windows Python, which nobody publishes as files: that of the same minor version.
LIBRARY=(libpython3.11-stdlib libpython3.11-minimal)

# What apt would install beside a package that is not there yet. Nothing is installed.
needed_by() {
    apt-get install --simulate --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

fail() {
    echo "test-windows: $*" >&2
    exit 1
}

# Lists of packages of our own, of today: those of the machine may be old or missing, and need root to be renewed.
# What is installed is still that of the machine. Where no server answers, the lists of last time are used.
for_apt() {
    mkdir -p "$CACHE"/apt/lists/partial "$CACHE"/apt/cache/archives/partial
    cat >"$CACHE/apt/conf" <<CONF
Dir::State::Lists "$CACHE/apt/lists";
Dir::Cache "$CACHE/apt/cache";
APT::Sandbox::User "$(id --user --name)";
CONF
    export APT_CONFIG=$CACHE/apt/conf
    apt-get update --quiet &>"$CACHE/apt/update.log" || echo "test-windows: apt-get update failed: see $CACHE/apt/update.log" >&2
}

# The version that Debian has now must be new enough for us.
check_rust() {
    local wanted has
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$PROJECT/Cargo.toml")
    has=$(apt-cache policy rustc-web | sed -n 's/.*Candidate: \([0-9.]*\).*/\1/p')
    test -n "$has" || fail "expected Debian's package rustc-web, found none: see $CACHE/apt/update.log"
    printf '%s\n%s\n' "$wanted" "$has" | sort --version-sort --check=quiet ||
        fail "expected Debian's rustc-web of $wanted or later, as Cargo.toml asks for, found $has"
}

# The tools are taken from its packages, and the library of Python 3.11 is that of this Debian.
is_this_debian || fail "expected Debian 12 (bookworm) on x86_64, found another system"
for_apt
check_rust
# The packages by name, and of what they need all that this machine has not.
mapfile -t names < <({
    printf '%s\n' "${RUST[@]}" "${MINGW[@]}" "${WINDOWS[@]}" "${LIBRARY[@]}"
    needed_by "${RUST[@]}"
    needed_by "${MINGW[@]}" "${WINDOWS[@]}"
} | sort --unique)
# The addresses name the versions: another list than last time, another root.
addresses=$(apt-get download --print-uris "${names[@]}" | cut -d ' ' -f 1)
if ! cmp --silent <(echo "$addresses") "$CACHE/packages"; then
    echo "test-windows: unpacking ${#names[@]} packages of Debian below $ROOT" >&2
    rm -rf "$ROOT" "$CACHE/debs" "$CACHE/packages"
    mkdir -p "$ROOT" "$CACHE/debs"
    (cd "$CACHE/debs" && apt-get download --quiet "${names[@]}" >/dev/null 2>"$CACHE/download.log") ||
        { cat "$CACHE/download.log" >&2; exit 1; }
    for package in "$CACHE"/debs/*.deb; do dpkg --extract "$package" "$ROOT"; done
    rm -rf "$CACHE/debs"
    echo "$addresses" >"$CACHE/packages"
fi
mkdir -p "$CACHE/bin"
# Debian names the compiler by its kind of threads, and picks one when it is installed.
ln -sf "$ROOT/usr/bin/x86_64-w64-mingw32-gcc-win32" "$CACHE/bin/x86_64-w64-mingw32-gcc"

# Its place in Debian's own is a script that knows only where the package is installed.
ln -sf wineserver64 "$ROOT/usr/lib/wine/wineserver"

# A Windows of its own. `timeout`: a Wine that lacks something asks in a window that nobody sees.
if ! test -e "$CACHE/wine/ready"; then
    for_wine
    rm -rf "$WINEPREFIX"
    # Debian's Wine looks for zlib where that package is installed, or here.
    mkdir -p "$WINEPREFIX/drive_c/windows/system32"
    cp "$ROOT/usr/x86_64-w64-mingw32/lib/zlib1.dll" "$WINEPREFIX/drive_c/windows/system32"
    timeout 120 "$WINE" wineboot --init </dev/null &>"$CACHE/wineboot.log" || { cat "$CACHE/wineboot.log" >&2; exit 1; }
    timeout 60 "$WINE" winecfg -v win10 </dev/null &>>"$CACHE/wineboot.log"
    # ProcessPrng is younger than the Wine of Debian 12, and Rust's standard library begins with it.
    (for_cargo && x86_64-w64-mingw32-gcc -O2 -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
        "$HERE/bcryptprimitives.c" -ladvapi32)
    touch "$WINEPREFIX/ready"
fi

#!/usr/bin/env bash
# Builds wheels into dist/ and tries each: linux-x86_64, linux-aarch64, windows-x86_64, macos; by default all that this machine can.
# A wheel that cannot be built here is a line that says so. Needs: HOST_PYTHON with pip and maturin; TARGET, a folder to build in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here=tools/release
dist=${DIST:-dist}
target=${TARGET:-target}/wheels
zig=ziglang==0.17.1
glibc=manylinux_2_17
wanted=("$@")
test $# -gt 0 || wanted=(linux-x86_64 linux-aarch64 windows-x86_64 macos)
machine=$(uname -sm)
mkdir -p "$target" "$dist"
# As a Mac can do it, too: its realpath knows no folder that is not there yet.
target=$(cd "$target" && pwd -P)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
find "$dist" -name 'heapdelta-*.whl' ! -name "heapdelta-$version-*" -delete

not_built() {
    echo "wheels: NOT BUILT: $*" >&2
}

# zig is a C compiler and a linker that knows every version of glibc; maturin finds it as a module of its Python.
python=$target/venv/bin/python
test -x "$python" || "$HOST_PYTHON" -m venv "$target/venv"
"$python" -m pip install --quiet --disable-pip-version-check 'maturin>=1.16,<2' "$zig"
export PATH=$target/venv/bin:$PATH
# Panics name source files: not by the folders of who builds. Flags are parted by a sign that is in no path.
cache=${HEAPDELTA_WINDOWS_CACHE:-$target/../windows}
if test -z "${CARGO_ENCODED_RUSTFLAGS:-}"; then
    built=$(mkdir -p "$cache" && cd "$cache" && pwd -P)
    # The last that fits counts. Debian's part is called /debian: root, as its folder is called, is the home of who builds as root.
    homes=("${CARGO_HOME:-$HOME/.cargo}=/cargo" "$built=/build" "$built/root=/debian")
    CARGO_ENCODED_RUSTFLAGS=$(printf -- '--remap-path-prefix=%s\x1f' "${homes[@]}")
    CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%?}
    export CARGO_ENCODED_RUSTFLAGS
fi

# Compilers and the library of Python are those of this Debian: tools/windows unpacks them.
export HEAPDELTA_WINDOWS_CACHE=$cache
source tools/windows/env.sh

# A name is enough for other systems than this one.
interpreter=python3.11
build() {
    (
        rm -rf "$target/out"
        maturin build --release --locked --interpreter "$interpreter" --out "$target/out" "$@"
        cp "$target"/out/*.whl "$dist"
    )
}

linux_x86_64() {
    if test "$machine" != "Linux x86_64"; then
        not_built "linux-x86_64, expected Linux x86_64, found $machine"
        return
    fi
    (unset VIRTUAL_ENV && export CARGO_TARGET_DIR=$target/linux && build --zig --compatibility $glibc)
    "$HOST_PYTHON" $here/smoke.py "$dist"/heapdelta-*"$glibc"_x86_64*.whl
}

# The standard library for another processor is rustup's where that has it, else built from Debian's source of it.
linux_aarch64() {
    local triple=aarch64-unknown-linux-gnu
    local flags=(--zig --compatibility $glibc --target $triple)
    if rustup target list --installed 2>/dev/null | grep -qx $triple; then
        (unset VIRTUAL_ENV && export CARGO_TARGET_DIR=$target/linux && build "${flags[@]}")
    elif is_this_debian; then
        (
            tools/windows/packages.sh
            for_cargo
            build "${flags[@]}" -Z build-std=std,panic_unwind
        )
    else
        not_built "linux-aarch64, expected rustup target add $triple, or Debian 12 on x86_64, found neither"
        return
    fi
    case $machine in
        "Linux aarch64") "$HOST_PYTHON" $here/smoke.py "$dist"/heapdelta-*"$glibc"_aarch64*.whl ;;
        *) $here/emulated.sh "$dist"/heapdelta-*"$glibc"_aarch64*.whl ;;
    esac
}

windows_x86_64() {
    if ! is_this_debian; then
        not_built "windows-x86_64, expected Debian 12 on x86_64, found another system"
        return
    fi
    HOST_PYTHON=$python tools/windows/test.sh wheel demo
    cp "$cache"/wheels/*-win_amd64.whl "$dist"
}

# Its SDK is on Macs alone.
macos() {
    if test "${machine%% *}" != Darwin; then
        not_built "macos, expected a Mac, found $machine: .github/workflows/release.yml builds it"
        return
    fi
    (unset VIRTUAL_ENV && export CARGO_TARGET_DIR=$target/macos && interpreter=$python && build)
    "$HOST_PYTHON" $here/smoke.py "$dist"/heapdelta-*macosx*.whl
}

for each in "${wanted[@]}"; do
    echo "wheels: $each" >&2
    case $each in
        linux-x86_64) linux_x86_64 ;;
        linux-aarch64) linux_aarch64 ;;
        windows-x86_64) windows_x86_64 ;;
        macos) macos ;;
        *) echo "expected linux-x86_64, linux-aarch64, windows-x86_64 or macos, found $each" >&2; exit 2 ;;
    esac
done
"$HOST_PYTHON" "$here/check.py" "$dist"/*.whl

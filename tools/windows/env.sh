# Sourced by the other scripts: where things are, and the tools that build for Windows and run what was built.
# Nothing is installed on the machine: Debian's packages are unpacked below $CACHE/root and used from there.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROJECT=$(cd "$HERE/../.." && pwd)
CACHE=${HEAPDELTA_WINDOWS_CACHE:-${CARGO_TARGET_DIR:-$PROJECT/target}/windows}
mkdir -p "$CACHE"
CACHE=$(cd "$CACHE" && pwd)
ROOT=$CACHE/root
WINDOWS_TARGET=x86_64-pc-windows-gnu
WINDOWS_PYTHON=$CACHE/python
# A Python of this machine that has pip and maturin.
HOST_PYTHON=${HOST_PYTHON:-$PROJECT/.venv/bin/python}
WINE=$ROOT/usr/lib/wine/wine64

is_this_debian() {
    grep -qsx VERSION_CODENAME=bookworm /etc/os-release && test "$(uname -m)" = x86_64 && command -v apt-get >/dev/null
}

# cargo and rustc of one Debian release, and the source of the standard library that belongs to them: it is built for the
# target along with the rest, because no registry has one that is built. RUSTC_BOOTSTRAP lets a stable cargo do that.
for_cargo() {
    export PATH=$CACHE/bin:$ROOT/usr/bin:$PATH
    export LD_LIBRARY_PATH=$ROOT/usr/lib/x86_64-linux-gnu
    export CARGO_HOME=$CACHE/cargo CARGO_TARGET_DIR=$CACHE/target RUSTC_BOOTSTRAP=1 INSTA_UPDATE=no
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
    # A library of Rust that exports nothing by name would export every symbol, of which there are more than a DLL may have.
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS=-Clink-arg=-Wl,--exclude-all-symbols
    # pyo3 needs no interpreter for abi3.
    unset PYO3_PYTHON VIRTUAL_ENV RUSTUP_TOOLCHAIN
}

# WINEDEBUG: Wine's own messages would be among what a test compares. WINEDLLOVERRIDES: no browser, no .NET.
for_wine() {
    export WINEPREFIX=$CACHE/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
    export LD_LIBRARY_PATH=$ROOT/usr/lib/x86_64-linux-gnu
}

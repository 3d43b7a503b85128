#!/usr/bin/env bash
# heapdelta on Windows, tried under Wine from a Linux machine: the tests of the core, the wheel, `heapdelta demo` and the tests of
# the package. Without a word all of it; with words what they name: rust, wheel, demo, python. Behind --, arguments for pytest.
# What it needs is unpacked below $HEAPDELTA_WINDOWS_CACHE, by default target/windows, some 8 GB; nothing is installed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

steps=()
while test $# -gt 0 && test "$1" != --; do steps+=("$1"); shift; done
test $# -eq 0 || shift
test ${#steps[@]} -gt 0 || steps=(rust wheel demo python)
FOR_WINDOWS=(--locked --target "$WINDOWS_TARGET")

build_and_test_rust() {
    (
        for_cargo
        export WINEPREFIX=$CACHE/wine WINEDEBUG=-all CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$WINE INSTA_WORKSPACE_ROOT=$PROJECT
        cd "$PROJECT"
        # Which test may fail, and whether all have ended, is for the list to say.
        { cargo test --no-fail-fast "${FOR_WINDOWS[@]}" -Zbuild-std=std,panic_unwind,test --lib --test rust </dev/null \
            2>"$CACHE/rust.log" || true; } |
            "$HOST_PYTHON" "$HERE/excused.py" || { tail -n 40 "$CACHE/rust.log" >&2; exit 1; }
    )
}

build_wheel() {
    (
        for_cargo
        rm -rf "$CACHE/wheels"
        cd "$PROJECT"
        "$HOST_PYTHON" -m maturin build --release "${FOR_WINDOWS[@]}" -Z build-std=std,panic_unwind --interpreter python3.11 \
            --out "$CACHE/wheels" &>"$CACHE/wheel.log" || { tail -n 40 "$CACHE/wheel.log" >&2; exit 1; }
    )
    ls -l "$CACHE"/wheels/*.whl
}

# What pip would do with the wheel; on this machine pip would look at the machine.
install_wheel() {
    local site=$WINDOWS_PYTHON/Lib/site-packages
    rm -rf "$site"/heapdelta*
    "$HOST_PYTHON" -m zipfile --extract "$CACHE"/wheels/heapdelta-*-win_amd64.whl "$site"
}

# Wine gives Python an invalid handle unless input is /dev/null and output a pipe.
windows_python() {
    (for_wine && "$WINE" "$WINDOWS_PYTHON/python.exe" "$@" </dev/null 2>&1 | cat; exit "${PIPESTATUS[0]}")
}

run_demo() {
    local folder=$CACHE/demo
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && for_wine && "$WINE" "$WINDOWS_PYTHON/heapdelta.exe" demo </dev/null 2>&1 | tr -d '\r' | tee demo.txt)
    grep -q 'fhpreview' "$folder/demo.txt" || { echo "test-windows: the demo found no leak" >&2; exit 1; }
    test -n "$(find "$folder" -name '*.png' -size +1k)" || { echo "test-windows: the demo drew no picture" >&2; exit 1; }
}

# One test file after the other would import polars each time: seconds under Wine.
test_python() {
    cd "$PROJECT"
    export PYTHONPATH="Z:${HERE//\//\\}" NO_COLOR=1
    windows_python -m pytest -p excused -p no:cacheprovider -q --timeout 1500 \
        --override-ini addopts=--import-mode=importlib -n "$(nproc)" --dist worksteal "${@:-tests/python}"
}

"$HERE/packages.sh"
for step in "${steps[@]}"; do
    echo "test-windows: $step" >&2
    case $step in
        rust) build_and_test_rust ;;
        wheel) build_wheel ;;
        demo) "$HERE/python.sh" && install_wheel && run_demo ;;
        python) "$HERE/python.sh" && install_wheel && test_python "$@" ;;
        *) echo "expected rust, wheel, demo or python, found $step" >&2; exit 2 ;;
    esac
done

#!/usr/bin/env bash
# Tries an aarch64 wheel by qemu-user, with an aarch64 Python of Debian that is unpacked and not installed.
# emulated.sh WHEEL; HOST_PYTHON has pip, TARGET is a folder to work in. Where there is no qemu the wheel is not tried, and it says so.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
wheel=$(cd "$(dirname "$1")" && pwd -P)/$(basename "$1")
folder=${TARGET:-target}/aarch64
mkdir -p "$folder"
folder=$(cd "$folder" && pwd -P)
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if test -z "$qemu"; then
    echo "wheels: NOT TRIED: $(basename "$wheel"), expected qemu-aarch64-static (Debian's qemu-user-static), found none" >&2
    exit 0
fi
python=$(ARCHITECTURE=arm64 "$here/debian_python.sh" 3.13 "$folder/python")
rm -rf "$folder/site"
platforms=()
for glibc in 17 24 26 28 31; do platforms+=(--platform "manylinux_2_${glibc}_aarch64"); done
"$HOST_PYTHON" -m pip install --quiet --disable-pip-version-check --target "$folder/site" --python-version 3.13 --implementation cp \
    --abi cp313 --abi abi3 --abi none --only-binary ':all:' "${platforms[@]}" --platform manylinux2014_aarch64 "$wheel"
cd "$folder"
run() { PYTHONPATH=$folder/site "$qemu" -L "$folder/python/root" "$python" "$@"; }
run -c 'import heapdelta as hd, platform
story = hd.testing.write_investigation("logs")
delta = hd.diff(*map(hd.read_log, story.paths))
found = dict(delta.by("module").select("module", "requested_bytes_delta").drop_nulls().iter_rows())
assert found == {name: total.requested_bytes for name, total in story.growth.items()}, found
print("wheels: heapdelta", hd.__version__, "on", platform.machine(), "by qemu: the known growth of", len(found), "modules")'
run -m heapdelta diff logs/before.txt logs/after.txt --by module --top 1

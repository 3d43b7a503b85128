#!/usr/bin/env bash
# Puts a Python for Windows together, with the packages that heapdelta and its tests need. No registry has one: PyPI's panda3d
# carries Python's DLLs, Debian the library that is written in Python, and python.exe is ten lines of C.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

PANDA3D=panda3d==1.10.16
# What pyproject.toml names for Linux, as it resolves on Windows; of the group `dev` what the tests import.
# numpy (with pandas and pyarrow) and SciPy need functions that Wine 8 has not: what needs them is in excused.txt.
# colorama and tzdata are what click and polars ask for on Windows alone; pip looks at the machine it runs on.
TESTS=('hypothesis>=6.170' 'pytest>=9.2' 'pytest-timeout>=2.4' 'pytest-xdist>=3.8' 'markdown-it-py>=4' 'obstore>=0.12' 'xlsxwriter>=3.2' colorama tzdata)
FOR_WINDOWS=(--quiet --platform win_amd64 --python-version 3.11 --implementation cp --only-binary ':all:' --disable-pip-version-check)

# The list of what is to be there; where it is, all is done.
wanted=$(printf '%s\n' "$PANDA3D" "${TESTS[@]}"; sed -n '/^dependencies/,/^]/p' "$PROJECT/pyproject.toml"; cat "$HERE/python.c" "$CACHE/packages")
cmp --silent <(echo "$wanted") "$WINDOWS_PYTHON/ready" && exit 0

echo "test-windows: putting a Python for Windows together in $WINDOWS_PYTHON" >&2
rm -rf "$WINDOWS_PYTHON"
mkdir -p "$WINDOWS_PYTHON" "$CACHE/download"
"$HOST_PYTHON" -m pip download "${FOR_WINDOWS[@]}" --no-deps --dest "$CACHE/download" "$PANDA3D"
"$HOST_PYTHON" - "$CACHE"/download/panda3d-*.whl "$WINDOWS_PYTHON" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

wheel, place = sys.argv[1], Path(sys.argv[2])
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        folder, _, file = name.rpartition("/")
        # Wine has the C runtime itself.
        if folder != "deploy_libs" or file.lower().startswith("api-ms-win"):
            continue
        place.joinpath(file).write_bytes(archive.read(name))
PYTHON
cp -r "$ROOT/usr/lib/python3.11" "$WINDOWS_PYTHON/Lib"
rm -rf "$WINDOWS_PYTHON"/Lib/{lib-dynload,EXTERNALLY-MANAGED,sitecustomize.py}
(
    for_cargo
    x86_64-w64-mingw32-gcc -O2 -municode -o "$WINDOWS_PYTHON/python.exe" "$HERE/python.c"
    x86_64-w64-mingw32-gcc -O2 -municode -DCOMMAND -o "$WINDOWS_PYTHON/heapdelta.exe" "$HERE/python.c"
    # python3.dll has every name of python311.dll, and leads there: modules for any version of Python ask it.
    x86_64-w64-mingw32-objdump --private-headers "$WINDOWS_PYTHON/python311.dll" |
        sed -n '/^\[Ordinal\/Name Pointer\] Table/,/^$/s/.*[] ]\([A-Za-z_][A-Za-z0-9_]*\)$/\1/p' |
        { echo 'LIBRARY python3.dll'; echo EXPORTS; sed 's/.*/&=python311.&/'; } >"$CACHE/python3.def"
    echo >"$CACHE/empty.c"
    x86_64-w64-mingw32-gcc -shared -nostdlib -o "$WINDOWS_PYTHON/python3.dll" "$CACHE/python3.def" "$CACHE/empty.c" \
        -Wl,--entry=0
)
mapfile -t dependencies < <("$HOST_PYTHON" -c 'import sys, tomllib
print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["dependencies"], sep="\n")' "$PROJECT/pyproject.toml")
"$HOST_PYTHON" -m pip install "${FOR_WINDOWS[@]}" --target "$WINDOWS_PYTHON/Lib/site-packages" "${dependencies[@]}" "${TESTS[@]}"
echo "$wanted" >"$WINDOWS_PYTHON/ready"

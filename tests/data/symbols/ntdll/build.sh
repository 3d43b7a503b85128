#!/bin/sh
# Builds the symbols of this folder with Debian's clang-19 and lld-19, byte by byte the same.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/fixture
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$here/ntdll.c" .

ntdll() { # name, target, GUID as text of 16 bytes
    clang-19 --target="$2" -g -gcodeview -gno-codeview-command-line -ffreestanding -fdebug-compilation-dir=/fixture \
        -ffile-prefix-map="$work=/fixture" -c ntdll.c -o ntdll.obj
    lld-link-19 /debug /Brepro /nodefaultlib /noentry /dll /safeseh:no /pdbaltpath:"$1.pdb" /pdbsourcepath:/fixture \
        ntdll.obj /out:ntdll.dll /pdb:"$1.pdb"
    # The identity that synthetic dumps of the build name: lld takes one from the content.
    python3 - "$1.pdb" "$3" <<'EOF'
import sys
from pathlib import Path

pdb, image = Path(sys.argv[1]), Path("ntdll.dll").read_bytes()
start = image.index(b"RSDS") + 4
age, guid = (1).to_bytes(4, "little"), image[start : start + 16]
content = pdb.read_bytes()
if content.count(age + guid) != 1:
    sys.exit(f"{pdb}: expected the age and GUID once, found {content.count(age + guid)}")
pdb.write_bytes(content.replace(age + guid, age + sys.argv[2].encode()))
EOF
    gzip -9nc "$1.pdb" > "$here/$1.pdb.gz"
}
ntdll ntdll x86_64-pc-windows-msvc "heapdelta ntdl64"
ntdll wntdll i686-pc-windows-msvc "heapdelta ntdl32"

#!/bin/sh
# Builds the programs of this folder, their symbols and the expected answers. Needs Debian's clang-19, lld-19, llvm-19 and gcab, and the
# crate dump_syms.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/fixture
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$here/server.cpp" .
flags="-O2 -ffunction-sections -ffreestanding -fno-exceptions -fno-rtti -fdebug-compilation-dir=/fixture -ffile-prefix-map=$work=/fixture"

msvc() { # name, target, defines, flags of the linker, debug information
    mkdir -p "$1"
    clang++-19 --target="$2" $flags ${5--g -gcodeview -gno-codeview-command-line} -mno-stack-arg-probe $3 \
        -c server.cpp -o "$1/server.obj"
    (cd "$1" && lld-link-19 /debug /Brepro /nodefaultlib /entry:mainCRTStartup /subsystem:console /opt:ref,icf $4 \
        /pdbaltpath:server.pdb /pdbsourcepath:/fixture server.obj /out:server.exe)
}
msvc x64 x86_64-pc-windows-msvc "" ""
msvc rebuilt x86_64-pc-windows-msvc -DREBUILT ""
msvc x86 i686-pc-windows-msvc "" "/safeseh:no"
# Without debug information lld writes the public symbols alone, as Microsoft's server has them.
msvc public x86_64-pc-windows-msvc "" "" ""
msvc public32 i686-pc-windows-msvc "" "/safeseh:no" ""
python3 "$here/public.py" x64 public
python3 "$here/public.py" x86 public32
"${DUMP_SYMS:-dump_syms}" --inlines --no-generator x64/server.pdb -o x64/server.sym
mkdir dwarf
clang++-19 --target=x86_64-w64-mingw32 $flags -g -gdwarf-4 -mno-stack-arg-probe -c server.cpp -o dwarf/server.o
ld.lld-19 -m i386pep --no-insert-timestamp --entry mainCRTStartup --subsystem console -Bstatic dwarf/server.o -o dwarf/server.exe
(cd x64 && gcab -c -z server.pd_ server.pdb)

# Tables of virtual functions, which have names in public symbols and in the linker's own list.
cp "$here/classes.cpp" .
flags="-O1 -ffunction-sections -fdata-sections -ffreestanding -fno-exceptions -fno-rtti -mno-stack-arg-probe"
flags="$flags -fdebug-compilation-dir=/fixture -ffile-prefix-map=$work=/fixture"
for target in x64:x86_64 x86:i686; do
    name=${target%:*}
    clang++-19 --target="${target#*:}-pc-windows-msvc" $flags -g -gcodeview -gno-codeview-command-line -c classes.cpp -o "$name/classes.obj"
    (cd "$name" && lld-link-19 /debug /Brepro /nodefaultlib /entry:mainCRTStartup /subsystem:console /opt:ref,icf /safeseh:no \
        /pdbaltpath:classes.pdb /pdbsourcepath:/fixture classes.obj /out:classes.exe)
done
clang++-19 --target=x86_64-w64-mingw32 $flags -g -gdwarf-4 -c classes.cpp -o dwarf/classes.o
ld.lld-19 -m i386pep --no-insert-timestamp --entry mainCRTStartup --subsystem console -Bstatic dwarf/classes.o -o dwarf/classes.exe
python3 "$here/classes.py" x64 x86 dwarf > "$here/classes.json"

python3 "$here/expect.py" x64 rebuilt x86 dwarf > "$here/expected.json"
for name in x64/server.exe x64/server.pdb x64/server.pd_ x64/server.sym public/server.pdb public32/server.pdb \
    rebuilt/server.exe rebuilt/server.pdb x86/server.exe x86/server.pdb dwarf/server.exe x64/classes.pdb x86/classes.pdb dwarf/classes.exe; do
    mkdir -p "$here/$(dirname $name)"
    gzip -9nc "$name" > "$here/$name.gz"
done

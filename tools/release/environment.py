"""A fresh virtual environment with something installed in it, on any system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def made(folder: Path, python: str, *packages: str) -> Path:
    """Make an environment of a Python, install packages into it, and give its Python.

    Debian's Python comes without ensurepip, so the pip of the Python that runs this fills the environment.
    """
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "pip", *packages], check=True)
    return inside

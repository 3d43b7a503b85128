"""Make a release: everything but the upload.

    python tools/release/release.py 0.2.0 --work target/release-0.2.0 [--dry-run] [--wheels linux-x86_64]

All is done in a clone, so a step that fails leaves nothing behind here. At the end, unless it is a dry run, the commit
and its tag are fetched from there. The steps are the functions below, in order.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
VENDORED = """\
[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
"""
UNRELEASED = re.compile(r"^## (\d+\.\d+\.\d+) \(unreleased\)$", re.MULTILINE)


class RefusedError(Exception):
    """Something is not as it has to be for a release."""


@dataclass
class Release:
    """What is being released, and where."""

    version: str
    work: Path
    tests: Path
    """The file in which `make test` left the commit that passed."""
    wheels: list[str]
    dry_run: bool

    @property
    def tree(self) -> Path:
        """The clone."""
        return self.work / "tree"

    @property
    def dist(self) -> Path:
        """What will be uploaded."""
        return self.work / "dist"

    @property
    def bin(self) -> Path:
        """Where the tools of the environment are."""
        return Path(sys.executable).parent


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command, and give its output; what it complains about goes to the terminal."""
    done = subprocess.run(
        [*command], cwd=cwd, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RefusedError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def tree_is_clean(release: Release) -> str:
    changed = run("git", "status", "--porcelain", cwd=PROJECT)
    if changed:
        raise RefusedError(f"expected a clean tree, found changes:\n{changed}")
    if run("git", "tag", "--list", f"v{release.version}", cwd=PROJECT):
        raise RefusedError(f"expected no tag v{release.version}, found one")
    return run("git", "log", "-1", "--format=%h %s", cwd=PROJECT).strip()


def tools_are_here(_: Release) -> str:
    """See before the first long step that no later one lacks a tool."""
    if shutil.which("cargo-deny") is None:
        raise RefusedError("expected cargo-deny on the path, found none: cargo install --locked cargo-deny")
    return run("cargo", "deny", "--version", cwd=PROJECT).strip()


def tests_have_passed(release: Release) -> str:
    head = run("git", "rev-parse", "HEAD", cwd=PROJECT).strip()
    passed = release.tests.read_text(encoding="utf-8").strip() if release.tests.exists() else "nothing"
    if passed == head:
        return f"make test passed on {head[:9]}"
    if release.dry_run:
        return f"NOT KNOWN: make test left {passed[:9]}, this is {head[:9]}; a release would be refused"
    raise RefusedError(f"expected {release.tests} to name {head}, found {passed}: run make test on this commit")


def clone(release: Release) -> str:
    shutil.rmtree(release.work, ignore_errors=True)
    release.dist.mkdir(parents=True)
    run("git", "clone", "--quiet", "--no-hardlinks", PROJECT, release.tree, cwd=PROJECT)
    # Who commits may have been told to this tree alone, and a clone does not know it.
    for name in ("user.name", "user.email"):
        value = run("git", "config", "--default", "", name, cwd=PROJECT).strip()
        if value:
            run("git", "config", name, value, cwd=release.tree)
    return str(release.tree)


def version_and_changelog(release: Release) -> str:
    """Write the version where it stands, which is Cargo.toml, have the lock files follow, and date the changelog."""
    manifests = ("Cargo.toml", "fuzz/Cargo.toml")
    for each in manifests:
        # What the lock files name, so that below they can follow without the registry, which may have newer crates.
        run("cargo", "fetch", "--quiet", "--locked", "--manifest-path", each, cwd=release.tree)
    manifest = release.tree / "Cargo.toml"
    text, count = re.subn(
        r'(?m)^version = ".*"$', f'version = "{release.version}"', manifest.read_text("utf-8"), count=1
    )
    assert count == 1
    manifest.write_text(text, encoding="utf-8")
    for each in manifests:
        run("cargo", "update", "--quiet", "--workspace", "--offline", "--manifest-path", each, cwd=release.tree)
    log = release.tree / "CHANGELOG.md"
    dated = with_date(log.read_text("utf-8"), release.version, datetime.datetime.now(datetime.UTC).date().isoformat())
    log.write_text(dated, encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "--allow-empty", "-m", f"heapdelta {release.version}", cwd=release.tree)
    return run("git", "show", "--stat", "--format=%s", "HEAD", cwd=release.tree).strip()


def with_date(changelog: str, version: str, date: str) -> str:
    """Give the changelog with its newest heading, which must be of something unreleased, as that of this version.

    What was announced under an earlier number and never came out comes out now, under this one.
    """
    heading = UNRELEASED.search(changelog)
    newest = re.search(r"^## (.*)$", changelog, re.MULTILINE)
    if heading is None or newest is None or heading.start() != newest.start() or later(heading[1], version):
        found = "none" if newest is None else newest[0]
        raise RefusedError(f"CHANGELOG.md: expected ## {version} (unreleased) as the newest heading, found {found}")
    below = changelog[heading.end() :].partition("\n## ")[0]
    if not re.search(r"^- \S", below, re.MULTILINE):
        raise RefusedError(f"CHANGELOG.md: expected a line below ## {version}, found none")
    return changelog[: heading.start()] + f"## {version} ({date})" + changelog[heading.end() :]


def later(one: str, other: str) -> bool:
    """Tell whether a version is later than another."""
    return [int(part) for part in one.split(".")] > [int(part) for part in other.split(".")]


def licences_and_crates(release: Release) -> str:
    """Compare the licence texts with fresh ones, and hold the crates against deny.toml."""
    fresh = release.work / "licences.txt"
    run(sys.executable, "tools/release/licences.py", fresh, cwd=release.tree)
    if fresh.read_bytes() != (release.tree / "LICENSE-THIRD-PARTY.txt").read_bytes():
        raise RefusedError("LICENSE-THIRD-PARTY.txt: expected what make licences writes, found something older")
    run("cargo", "deny", "--locked", "check", "bans", "licenses", "sources", cwd=release.tree)
    command = ["cargo", "deny", "--locked", "check", "advisories"]
    asked = subprocess.run(command, cwd=release.tree, capture_output=True, text=True, check=False)
    if "failed to fetch advisory database" in asked.stderr:
        return (
            "bans, licences and sources are fine; ADVISORIES NOT ASKED: their database (RustSec) is out of reach here"
        )
    if asked.returncode:
        raise RefusedError(asked.stderr[-4000:])
    return "bans, licences, sources and advisories are fine"


def source(release: Release) -> str:
    """Write the source distribution, and beside it the crates that it is built of."""
    run(release.bin / "maturin", "sdist", "--out", release.dist, cwd=release.tree)
    vendored = release.work / "vendored"
    vendored.mkdir()
    run("cargo", "vendor", "--locked", "--quiet", vendored / "vendor", cwd=release.tree)
    (vendored / ".cargo").mkdir()
    (vendored / ".cargo" / "config.toml").write_text(VENDORED, encoding="utf-8")
    crates = release.dist / f"heapdelta-{release.version}-crates.tar.xz"
    with tarfile.open(crates, "w:xz", preset=1) as packed:
        for name in (".cargo", "vendor"):
            packed.add(vendored / name, name)
    return f"{sdist_of(release).name}, and {crates.name} of {crates.stat().st_size:,} bytes to be unpacked into it"


def sdist_of(release: Release) -> Path:
    return release.dist / f"heapdelta-{release.version}.tar.gz"


def builds_offline(release: Release) -> str:
    """Build the source distribution with no network and an empty CARGO_HOME."""
    place = release.work / "offline"
    for packed, into in (
        (sdist_of(release), place),
        (next(release.dist.glob("*-crates.tar.xz")), place / f"heapdelta-{release.version}"),
    ):
        with tarfile.open(packed) as content:
            content.extractall(into, filter="data")
    inside = place / f"heapdelta-{release.version}"
    cut_off = ["unshare", "--map-root-user", "--net"]
    can_cut = (
        shutil.which("unshare") and subprocess.run([*cut_off, "true"], check=False, capture_output=True).returncode == 0
    )
    cargo_home = place / "cargo-home"
    cargo_home.mkdir()
    environment = {
        "CARGO_HOME": str(cargo_home),
        "CARGO_NET_OFFLINE": "true",
        "CARGO_TARGET_DIR": str(place / "target"),
    }
    environment |= {
        "PYO3_PYTHON": sys.executable,
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
    }
    build = [release.bin / "maturin", "build", "--profile", "quick", "--locked", "--offline", "--out", place / "wheels"]
    run(*(cut_off if can_cut else []), *build, "--interpreter", sys.executable, cwd=inside, **environment)
    how = "in a namespace without a network" if can_cut else "with CARGO_NET_OFFLINE alone: unshare is not allowed here"
    return f"{next((place / 'wheels').iterdir()).name} built {how}, from an empty CARGO_HOME"


def wheels(release: Release) -> str:
    run(
        "tools/release/wheels.sh",
        *release.wheels,
        cwd=release.tree,
        HOST_PYTHON=sys.executable,
        DIST=str(release.dist),
        TARGET=str(release.tests.parent),
    )
    return ", ".join(f"{each.name} ({each.stat().st_size:,} bytes)" for each in sorted(release.dist.glob("*.whl")))


def bills(release: Release) -> str:
    """Take the bills of materials out of the wheels, for who asks for them without one."""
    written = []
    for wheel in sorted(release.dist.glob("*.whl")):
        with zipfile.ZipFile(wheel) as content:
            for name in content.namelist():
                if "/sboms/" in name:
                    bill = json.loads(content.read(name))
                    file = release.dist / f"{wheel.stem}.cdx.json"
                    file.write_text(json.dumps(bill, indent=1), encoding="utf-8")
                    written.append(
                        f"{file.name}: {bill['bomFormat']} {bill['specVersion']}, {len(bill['components'])} parts"
                    )
    if not written:
        raise RefusedError("expected a bill of materials in a wheel, found none")
    return "; ".join(written)


def checks(release: Release) -> str:
    uploaded = sorted([*release.dist.glob("*.whl"), sdist_of(release)])
    run(sys.executable, "tools/release/check.py", *uploaded, cwd=release.tree)
    run(sys.executable, "-m", "twine", "check", "--strict", *uploaded, cwd=release.tree)
    for wheel in release.dist.glob("*manylinux*x86_64*.whl"):
        run(sys.executable, "tools/release/smoke.py", wheel, "--extra", "all", cwd=release.tree)
    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(release.dist.iterdir())
    ]
    (release.dist / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
    return f"{len(uploaded)} files pass check.py and twine check --strict; demo, doctor and extras run"


def tag(release: Release) -> str:
    if release.dry_run:
        return "dry run: nothing is changed here, and no tag is set"
    run("git", "tag", "--annotate", f"v{release.version}", "-m", f"heapdelta {release.version}", cwd=release.tree)
    run("git", "pull", "--quiet", "--ff-only", "--tags", release.tree, "HEAD", cwd=PROJECT)
    by_hand = f"twine upload {release.dist}/*.whl {sdist_of(release)}"
    return f"v{release.version}; to publish: git push --follow-tags, or {by_hand}"


STEPS = (
    *(tree_is_clean, tools_are_here, tests_have_passed, clone, version_and_changelog, licences_and_crates),
    *(source, builds_offline, wheels, bills, checks, tag),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("version", type=str)
    parser.add_argument("--work", type=Path, required=True, help="a folder that is made anew")
    parser.add_argument(
        "--tests", type=Path, default=PROJECT / "target" / "tests-passed", help="where make test leaves its commit"
    )
    parser.add_argument("--wheels", nargs="*", default=[], help="as wheels.sh takes them")
    parser.add_argument("--dry-run", action="store_true")
    asked = parser.parse_args()
    if not re.fullmatch(r"\d+\.\d+\.\d+", asked.version):
        parser.error(f"expected a version such as 0.2.0, found {asked.version}")
    release = Release(asked.version, asked.work.resolve(), asked.tests.resolve(), asked.wheels, asked.dry_run)
    for step in STEPS:
        begun = time.monotonic()
        try:
            told = step(release)
        except RefusedError as error:
            print(f"release: {step.__name__}: {error}", file=sys.stderr)
            return 1
        print(f"release: {step.__name__}, {time.monotonic() - begun:.0f} s: {told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

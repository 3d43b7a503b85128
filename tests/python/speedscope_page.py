"""speedscope's own page, opened in a headless Chromium: what it made of a file, as it saves it."""

from __future__ import annotations

import json
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "report"))

from chromium import Browser

_SECONDS = 60
_KEEP_WHAT_IS_SAVED = """(() => {
    window.kept = null;
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => { window.kept = blob; return make.call(URL, blob); };
})()"""
_PRESS = "[...document.querySelectorAll('div')].filter(each => each.textContent.endsWith(%s)).at(-1).click()"
Saved = dict[str, dict[str, int]]


def opened(release: Path, file: Path, *, picture: Path | None = None) -> tuple[str, Saved]:
    """Open a file in the page of a release: the list that its page shows, and each profile by innermost frame."""
    # What the command `speedscope` writes: a page of a file may read no other file.
    script = file.with_suffix(".load.js")
    content = b64encode(file.read_bytes()).decode()
    script.write_text(f"speedscope.loadFileFromBase64({json.dumps(file.name)}, {json.dumps(content)})")
    with Browser() as browser:
        browser.open(release / "index.html", fragment=f"#localProfilePath={script}")
        _until(browser, "document.body.innerText.includes('Export')")
        browser.value(_KEEP_WHAT_IS_SAVED)
        browser.value(_PRESS % json.dumps("Export"))
        _until(browser, "window.kept !== null")
        saved = json.loads(browser.value("window.kept.text()"))
        browser.value(_PRESS % json.dumps("Sandwich"))
        _until(browser, "document.body.innerText.includes('Symbol Name')")
        browser.settle()
        if picture is not None:
            browser.picture(picture)
        return browser.value("document.body.innerText"), {one["name"]: _own(one, saved) for one in saved["profiles"]}


def _until(browser: Browser, script: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not browser.value(script):
        assert time.monotonic() < deadline, f"expected {script}, found it not in {_SECONDS} s"
        time.sleep(0.2)


def _own(profile: dict[str, Any], file: dict[str, Any]) -> dict[str, int]:
    """Add up what each frame has itself: events open and close frames, at so many bytes from the start."""
    assert (profile["type"], profile["unit"]) == ("evented", "bytes")
    own: dict[str, int] = {}
    opened: list[int] = []
    last = profile["startValue"]
    for event in profile["events"]:
        if opened:
            name = file["shared"]["frames"][opened[-1]]["name"]
            own[name] = own.get(name, 0) + event["at"] - last
        last = event["at"]
        if event["type"] == "O":
            opened.append(event["frame"])
        else:
            assert opened.pop() == event["frame"]
    assert not opened
    return own

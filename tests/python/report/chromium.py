"""A headless Chromium, told what to do by the DevTools protocol over pipes: no package is needed.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Any, Self

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60
KEYS = {"ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Backspace": 8, "Escape": 27}
KEYS |= {"Tab": 9}


def found() -> str:
    """Where it is; a test without one is skipped, and says so, unless HEAPDELTA_REQUIRE_BROWSER is set."""
    place = next(filter(None, map(shutil.which, NAMES)), None)
    if place is None or os.name != "posix":
        why = f"NOT TESTED in a browser, expected one of {', '.join(NAMES)}, found none: make browser installs it"
        if os.environ.get("HEAPDELTA_REQUIRE_BROWSER"):
            pytest.fail(why)
        pytest.skip(why)
    return place


class Browser:
    """A browser with one page."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.said: list[str] = []
        """What the console and the security policy said."""
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        read, self._out = os.pipe()
        self._in, write = os.pipe()

        def place_pipes() -> None:
            # Behind each other, so that none is closed before it is copied.
            one, other = os.dup(read), os.dup(write)
            os.dup2(one, 3)
            os.dup2(other, 4)

        self._process = subprocess.Popen(
            [
                found(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                f"--user-data-dir={self._profile.name}",
                "--remote-debugging-pipe",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=place_pipes,
        )
        os.close(read)
        os.close(write)
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        page = next(each for each in self._targets() if each["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def _targets(self) -> list[dict[str, Any]]:
        return self.ask("Target.getTargets")["targetInfos"]  # type: ignore[no-any-return]

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command, and give its answer."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]  # type: ignore[no-any-return]
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        parts = [self._rest]
        while b"\0" not in parts[-1]:
            ready, _, _ = select.select([self._in], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"expected an answer of the browser in {SECONDS} s, found none"
            parts.append(os.read(self._in, 1 << 20))
            assert parts[-1], "the browser has ended"
        whole, _, self._rest = b"".join(parts).partition(b"\0")
        return json.loads(whole)  # type: ignore[no-any-return]

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event.get("method") == "Log.entryAdded":
            self.said.append(parameters["entry"]["text"])
        elif event.get("method") == "Runtime.exceptionThrown":
            self.said.append(json.dumps(parameters["exceptionDetails"])[:2000])
        elif event.get("method") == "Page.javascriptDialogOpening":
            self.said.append(f"dialog: {parameters['message']}")

    def open(self, page: Path, *, fragment: str = "", width: int = 1200, height: int = 900) -> None:
        """Open a page, and wait for it."""
        self.go(page.resolve().as_uri() + fragment, width=width, height=height)

    def go(self, address: str, *, width: int = 1200, height: int = 900) -> None:
        """Go to an address, and wait for what is there."""
        self.size(width, height)
        self.ask("Page.navigate", url=address)
        deadline = time.monotonic() + SECONDS
        while self.ask("Runtime.evaluate", expression="document.readyState")["result"]["value"] != "complete":
            assert time.monotonic() < deadline
        self.settle()

    def settle(self) -> None:
        """Let the page draw."""
        script = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))"
        self.ask("Runtime.evaluate", expression=script, awaitPromise=True)

    def size(self, width: int, height: int = 900) -> None:
        """Make the window so large."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def value(self, script: str) -> Any:
        """Evaluate a script in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            about = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            self.ask("Input.dispatchKeyEvent", type="rawKeyDown", **about)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **about)
        self.settle()

    def choose(self, field: str, value: str) -> None:
        """Choose in a list of the viewer, write into its field, or tick its box."""
        script = f"""(() => {{
            const field = document.querySelector('.controls').elements[{json.dumps(field)}];
            if (field.type === 'checkbox') field.checked = {json.dumps(value == "on")};
            else field.value = {json.dumps(value)};
            field.dispatchEvent(new Event(field.type === 'search' ? 'input' : 'change', {{bubbles: true}}));
        }})()"""
        self.value(script)
        self.value("new Promise(done => setTimeout(done, 250))")

    def picture(self, file: Path, *, whole: bool = True) -> None:
        """Draw the whole page, or what a window shows of it, into a PNG file."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        file.write_bytes(b64decode(shot["data"]))

"""Headless Chromium, as a person uses it: looks at elements, clicks and types; knows no Slack.

It is spoken to in its own protocol: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import itertools
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from app.demo.child import Child
from tests.waiting import until

Json = dict[str, Any]

UNPACKED = Path(sys.prefix) / "browser" / "unpacked"
PROGRAM = UNPACKED / "chromium"
FONTS = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>{UNPACKED / "fonts"}</dir>
<dir>{UNPACKED.parent / "node_modules" / "@expo-google-fonts"}</dir>
<dir>/usr/share/fonts</dir>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
<cachedir>{{cache}}</cachedir>
</fontconfig>"""
# Root has no sandbox; the rest keeps it from asking anybody but the page that it is shown.
OPTIONS = (
    "--headless=shell",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1280,2400",
)
# What stands at an element's middle has to be the element itself, as for a person's finger.
MIDDLE = """(element => {
  if (!element) return null;
  element.scrollIntoView({block: "center"});
  const box = element.getBoundingClientRect();
  const x = box.left + box.width / 2, y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y);
  return element.contains(top) && !element.disabled ? [x, y] : null;
})"""
CORNERS = """(elements => {
  const boxes = elements.map(element => element.getBoundingClientRect());
  const least = side => Math.min(...boxes.map(box => box[side]));
  const most = side => Math.max(...boxes.map(box => box[side]));
  const [x, y, right, bottom] = [least("left"), least("top"), most("right"), most("bottom")];
  return {x, y, width: right - x, height: bottom - y, scale: 1};
})"""


class Page:
    """One tab; `element` is always an expression of JavaScript that gives one, or null."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Use a connection to the browser; `open` makes the tab."""
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session = ""

    async def open(self, url: str) -> None:
        """Show this address in a new tab."""
        self._session = ""
        target = await self._call("Target.createTarget", url=url)
        attach = {"targetId": target["targetId"], "flatten": True}
        self._session = (await self._call("Target.attachToTarget", **attach))["sessionId"]

    async def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression."""
        answer = await self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def click(self, element: str) -> None:
        """Wait until the element can be clicked and stands still, and click in its middle."""
        at: list[float] = []

        async def is_there() -> bool:
            before = list(at)
            at[:] = await self.evaluate(f"{MIDDLE}({element})") or []
            return bool(at) and at == before

        await until(is_there)
        for kind in ("mousePressed", "mouseReleased"):
            await self._call(
                "Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1
            )

    async def write(self, text: str) -> None:
        """Type text where the cursor is, and press Enter."""
        await self._call("Input.insertText", text=text)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for kind in ("keyDown", "keyUp"):
            await self._call("Input.dispatchKeyEvent", type=kind, **enter)

    async def choose(self, element: str, option: str) -> None:
        """Choose an option of a list by its text."""
        chosen = await self.evaluate(
            f"""((list, text) => {{
              const option = [...list.options].find(option => option.text === text);
              Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value")
                .set.call(list, option.value);
              return list.dispatchEvent(new Event("change", {{bubbles: true}}));
            }})({element}, {json.dumps(option)})"""
        )
        assert chosen

    async def appears(self, element: str) -> None:
        """Wait until there is such an element."""
        await until(lambda: self.evaluate(f"Boolean({element})"))

    async def picture(self, elements: str) -> bytes:
        """Return a PNG of the part of the page that these elements cover, once it stands still."""
        shots = [""]

        async def stands_still() -> bool:
            clip = await self.evaluate(f"{CORNERS}({elements})")
            shot = await self._call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
            shots.append(shot["data"])
            return shots[-2] == shots[-1]

        await until(stands_still)
        return base64.b64decode(shots[-1])

    async def _call(self, method: str, **arguments: Any) -> Json:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json(
            {"id": number, "method": method, "params": arguments, **session}
        )
        while (answer := await self._socket.receive_json(timeout=20)).get("id") != number:
            continue
        assert "error" not in answer, answer["error"]
        return answer["result"]


@asynccontextmanager
async def page(folder: Path, url: str) -> AsyncGenerator[Page]:
    """Start a browser that keeps everything in a folder, show an address, and end it."""
    browser, address = _start(folder), folder / "profile" / "DevToolsActivePort"

    async def listens() -> bool:
        return address.exists() and len(address.read_text().split()) == 2

    try:
        await browser.ready(listens)
        port, path = address.read_text().split()
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
        ):
            shown = Page(socket)
            await shown.open(url)
            yield shown
    finally:
        await browser.end()


def _start(folder: Path) -> Child:
    folder.mkdir(parents=True, exist_ok=True)
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(cache=folder / "fonts"))
    env = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FONTCONFIG_FILE": str(fonts),
        "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"),
    }
    argv = [str(PROGRAM), *OPTIONS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    return Child(argv, folder / "chromium.txt", env=env)

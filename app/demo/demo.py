"""The `demo` command: what is printed and which keys do what; the programs are in `running`."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Literal

from app.demo.child import ChildError
from app.demo.emulate import Emulate, LocalGitHubError
from app.demo.installed import NotInstalledError
from app.demo.running import SERVE, DemoError, Files, Running, Say, running
from app.demo.shop import FOLDER, Shop, ShopError
from app.demo.terminal import QUIT, keys
from app.settings import Settings

Merge = Literal["next", "bad"]


def demo(merge: Merge | None = None) -> int:
    """Run the demo, or merge in the one that runs in this folder; return the exit code."""
    files = Files(Path.cwd() / ".deploybot")
    try:
        if merge is None:
            return asyncio.run(_in_the_terminal(files))
        return asyncio.run(merge_elsewhere(files, _print, bad=merge == "bad"))
    except (DemoError, ShopError, ChildError, NotInstalledError, LocalGitHubError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1


async def run_demo(
    files: Files,
    environ: Mapping[str, str],
    pressed: asyncio.Queue[str],
    say: Say,
    serve: Sequence[str] = SERVE,
) -> int:
    """Start everything and obey the keys m and b until QUIT, which ends it while it starts too."""
    commands: asyncio.Queue[str] = asyncio.Queue()
    body = asyncio.create_task(_obey(running(files, environ, say, serve), environ, commands, say))
    quitting = asyncio.create_task(_forward(pressed, commands))
    await asyncio.wait({body, quitting}, return_when=asyncio.FIRST_COMPLETED)
    quitting.cancel()
    body.cancel()
    with suppress(asyncio.CancelledError):
        await body
    return 0


async def merge_elsewhere(files: Files, say: Say, *, bad: bool) -> int:
    """Merge in the demo that runs from this folder in another process."""
    if not files.address.exists():
        raise DemoError("no demo runs in this folder: start one with `make demo`")
    github = Emulate(**json.loads(files.address.read_text()))
    if not await github.answers():
        raise DemoError(f"the demo's GitHub at {github.url} does not answer: start the demo again")
    await _merge(Shop(github, files.journal), say, bad=bad)
    return 0


async def _in_the_terminal(files: Files) -> int:
    with keys() as pressed:
        return await run_demo(files, os.environ, pressed, _print)


async def _forward(pressed: asyncio.Queue[str], commands: asyncio.Queue[str]) -> None:
    while (key := await pressed.get()) != QUIT:
        commands.put_nowait(key)


async def _obey(
    started: AbstractAsyncContextManager[Running],
    environ: Mapping[str, str],
    commands: asyncio.Queue[str],
    say: Say,
) -> None:
    async with started as up:
        say(_welcome(up, environ))
        while up.service.exit_code() is None:
            with suppress(TimeoutError):
                await _on_key(await asyncio.wait_for(commands.get(), 1), up.shop, say)
        raise DemoError(f"the service ended:\n{up.service.last_lines()}")


async def _on_key(key: str, shop: Shop, say: Say) -> None:
    if key not in ("m", "b"):
        return
    try:
        await _merge(shop, say, bad=key == "b")
    except (ShopError, LocalGitHubError) as problem:
        say(str(problem))


async def _merge(shop: Shop, say: Say, *, bad: bool) -> None:
    merge = await (shop.merge_bad() if bad else shop.merge_next())
    say(f"merged #{merge.number} {merge.title!r} by {merge.author} as {merge.merged.sha[:7]}")


def _welcome(up: Running, environ: Mapping[str, str]) -> str:
    return f"""
  Slack        {up.slack.url}  (channel #deploys)
  The shop     {up.production["frontend"]}  (production)
  Planner      {_planner(environ)}

  Three things to try
  1. Press m: Alice merges a pull request. Watch #deploys until the bot asks about production.
  2. Become Cara ("Act as", top right) and answer in the thread: can you deploy the backend first?
     Then click Approve. Alice cannot: it is her change.
  3. Press b and approve everything: production turns red, and the bot proposes a rollback.

  Keys: m merges the next pull request, b merges the bad one, q stops everything.
  What its threads wait for, while it runs and afterwards, in this folder:
  {_with_its_configuration()} threads list
"""


def _with_its_configuration() -> str:
    """Return the command, as typed here, with the demo's configuration."""
    words = (FOLDER / "deploybot.toml", Path(sys.executable).with_name("deploybot"))
    here = Path.cwd()
    shown = [str(w.relative_to(here) if w.is_relative_to(here) else w) for w in words]
    return f"DEPLOYBOT_CONFIG={shlex.quote(shown[0])} {shlex.quote(shown[1])}"


def _planner(environ: Mapping[str, str]) -> str:
    if not environ.get("OPENAI_API_KEY"):
        return "offline, rules without a model (set OPENAI_API_KEY to use one)"
    model = environ.get("OPENAI_MODEL") or Settings.model_fields["openai_model"].default
    return f"the model {model}"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

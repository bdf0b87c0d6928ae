"""The whole demo as a person plays it: every program is real, and the shop changes version."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from app.demo.running import ANY, Files, Running, running
from tests.scenarios.world import World
from tests.waiting import until

FRONTEND, BACKEND = "Deploy frontend to production", "Deploy backend to production"


class Demo(World):
    """The demo with the real service, and what its people do and see."""

    def __init__(self, files: Files, up: Running) -> None:
        # The service's output is where a world keeps it; GitHub is reached through the shop.
        super().__init__(files.folder, up.slack, up.shop.github, 0, {})
        self.up = up

    def logs(self) -> str:
        """Return what the service logged."""
        return self.up.service.last_lines(50)

    async def approve(self, user: str, words: str) -> None:
        """Wait for a card with these words and approve it."""
        await self.click(user, await self.card(words), "approve")

    async def runs(self, sha: str) -> None:
        """Wait until both of the shop's programs on production say that they run a commit."""

        async def reported() -> bool:
            return await self._versions() == {"frontend": sha, "backend": sha}

        await until(reported, 30)

    async def _versions(self) -> dict[str, str]:
        found: dict[str, str] = {}
        async with httpx.AsyncClient() as client:
            for service, url in self.up.production.items():
                with suppress(httpx.TransportError):
                    found[service] = (await client.get(f"{url}/version")).json()["sha"]
        return found


@asynccontextmanager
async def whole_demo(folder: Path) -> AsyncGenerator[Demo]:
    """Run the demo with its state in a folder."""
    files, said = Files(folder / ".deploybot", ANY), list[str]()
    async with running(files, {"PATH": os.environ["PATH"]}, said.append) as up:
        yield Demo(files, up)


async def test_the_seeds_story_and_a_rollback_on_the_real_shop(tmp_path: Path) -> None:
    async with whole_demo(tmp_path) as d:
        good = (await d.up.shop.merge_next()).merged.sha
        card = await d.card(FRONTEND)
        await d.reply("cara", card, "can you deploy the backend first?")
        card = await d.card(f"{BACKEND} · plan 2")
        await d.click("cara", card, "approve")
        await d.approve("bob", FRONTEND)
        await d.card("production tests passed", "rollback")
        await d.runs(good)

        bad = (await d.up.shop.merge_bad()).merged.sha
        await d.approve("bob", FRONTEND)
        await d.approve("bob", BACKEND)
        await d.sees("production tests red twice")
        await d.runs(bad)
        await d.approve("cara", "Roll back backend and frontend in production")
        await d.sees("rolled back and tested")
        await d.runs(good)

        await d.up.shop.merge_next()
        await d.sees("On hold* since")
    assert _processes_of(tmp_path) == []


async def test_the_frontend_before_its_backend_fails_with_the_reason(tmp_path: Path) -> None:
    async with whole_demo(tmp_path) as d:
        await d.up.shop.merge_next()
        await d.approve("bob", FRONTEND)
        await d.sees("deploy the backend first")
        question = await d.sees("The deploy of frontend failed")
        await d.reply("bob", question, "backend first")
        await d.card(BACKEND)


async def test_started_again_a_live_card_is_posted_again_and_works(tmp_path: Path) -> None:
    async with whole_demo(tmp_path) as d:
        await d.up.shop.merge_next()
        await d.card(FRONTEND)
    async with whole_demo(tmp_path) as d:
        await d.reply("cara", await d.card(FRONTEND), "backend first please")
        await d.approve("cara", BACKEND)
        await d.card(FRONTEND)


async def test_ended_while_it_starts_it_leaves_no_program(tmp_path: Path) -> None:
    starting = asyncio.Event()

    def say(line: str) -> None:
        if "deploying frontend" in line:
            starting.set()

    async def start() -> None:
        async with running(Files(tmp_path / ".deploybot", ANY), {"PATH": os.environ["PATH"]}, say):
            raise AssertionError("it was to be ended before")

    task = asyncio.create_task(start())
    await starting.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert _processes_of(tmp_path) == []


def _processes_of(folder: Path) -> list[str]:
    """Return the processes that run a program of the folder, or run in it."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            if str(folder) in command or str((process / "cwd").readlink()).startswith(str(folder)):
                found.append(command.replace("\0", " "))
    return found

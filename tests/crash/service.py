"""The real service as a process that dies, freezes or hangs at a named point.

Environment, besides the service's own: OUTSIDE (its address in everything outside), RECOVERY, SHOP,
FAULT (as `Fault.encoded`), FIRED and TRACE (files, see `Points`).
"""

import asyncio
import json
import os
import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from app import logs
from app.core import events as ev
from app.core.ports import Claim, Look, ModelAnswer, Queue, Turn, Write
from app.main import create_app
from app.model.offline import OfflinePlanner
from app.parts import build_github
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.settings import load_settings
from app.web.server import server_config
from tests.crash.points import Fault, Kind, Points
from tests.crash.shops import configured
from tests.crash.target import build_deployer, place
from tests.shop import REPO

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class PointedLog(RedisLog):
    """The Redis log, with points before and after every append and park."""

    points: Points

    async def append(self, write: Write) -> Look | None:
        if not write.events:  # it only wakes
            return await super().append(write)
        name = await self._name(write)
        await self.points.at(f"before append {name}")
        answer = await super().append(write)
        await self.points.at(f"after append {name}")
        return answer

    async def park(self, claim: Claim, queue: Queue, version: int, wake_at: int | None) -> None:
        await self.points.at(f"before park {queue}")
        await super().park(claim, queue, version, wake_at)
        await self.points.at(f"after park {queue}")

    async def _name(self, write: Write) -> str:
        """Name a write by what it is about: its last event, but for notes and locks given back."""
        events = [event for event in write.events if not _is_beside(event)]
        match (events or write.events)[-1]:
            case ev.ApprovalGranted(by="command line") as event:
                return f"{event.type} {event.by}"
            case ev.ToolStarted() as event:
                return f"{event.type} {place(event.attempt)}"
            case ev.ToolSent() | ev.ToolEnded() as event:
                return f"{event.type} {await self._place(write.thread_id, event.attempt_id)}"
            case event:
                return event.type

    async def _place(self, thread_id: str, attempt_id: str) -> str:
        entries = await self.read(thread_id)
        attempts = (e.event.attempt for e in entries if isinstance(e.event, ev.ToolStarted))
        return next(place(attempt) for attempt in attempts if attempt.attempt_id == attempt_id)


def _is_beside(event: ev.Event) -> bool:
    is_note = isinstance(event, ev.BotSaid) and event.because == "note"
    return is_note or isinstance(event, ev.LocksReleased)


class PointedModel:
    """The offline planner, with points around its turn."""

    name = "planner"

    def __init__(self, points: Points) -> None:
        self._points = points
        self._planner = OfflinePlanner()

    async def next_step(self, turn: Turn) -> ModelAnswer:
        await self._points.at("before model")
        answer = await self._planner.next_step(turn)
        await self._points.at("after model")
        return answer


class Server(uvicorn.Server):
    """Ends by itself on a signal, as the `serve` command does."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.handle_exit, signal.SIGTERM, None)
        yield


def strike(kind: Kind) -> None:
    """Kill or freeze this process."""
    os.kill(os.getpid(), SIGNALS[kind])


def own_points() -> Points:
    """Build the points that this process was told."""
    told, trace = os.environ.get("FAULT"), os.environ.get("TRACE")
    fault = Fault(**json.loads(told)) if told else None
    return Points(fault, Path(os.environ["FIRED"]), strike, Path(trace) if trace else None)


def build() -> tuple[Server, PointedLog]:
    """Build the service from its environment; nothing runs yet."""
    settings = load_settings()
    logs.configure(settings.secrets())
    points = own_points()
    log = PointedLog(connect(settings.redis_url), settings.deploybot_lease_seconds)
    log.points = points
    github = build_github(settings)
    assert github
    name = os.environ["RECOVERY"]
    target = build_deployer(name, os.environ["OUTSIDE"], github, points)
    model = PointedModel(points)
    repos = {REPO: configured(os.environ["SHOP"], name)}
    deployers = {"target": target}
    app = create_app(settings, repos, log, deployers, github=github, model=model)
    config = server_config(app, "127.0.0.1", settings.port)
    config.load()
    return Server(config), log


def main(_: Sequence[str]) -> int:
    asyncio.run(_serve())
    return 0


async def _serve() -> None:
    server, log = build()
    await server.serve()
    await log.close()

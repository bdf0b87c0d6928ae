"""The real service as a process that kills itself at a named point; nothing of it is in the app.

Environment: OUTSIDE (the address of everything outside), RECOVERY, KILL_AT ("before append
approval_granted", "after start production", …) and KILL_NTH (which time). Before it kills itself
it leaves the file FIRED.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import httpx
import uvicorn

from app.core import events as ev
from app.core.events import Attempt
from app.core.ports import Claim, ModelAnswer, Observation, Queue, Turn, Write
from app.core.spec import Environment
from app.main import create_app
from app.model.offline import OfflinePlanner
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.settings import load_settings
from tests.shop import REPO, repo_config


class Kill:
    """Kills this process with SIGKILL when it passes its point for the n-th time."""

    def __init__(self) -> None:
        self._point = os.environ.get("KILL_AT", "")
        self._left = int(os.environ.get("KILL_NTH", "1"))

    def at(self, point: str) -> None:
        """Pass a point."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            Path(os.environ["FIRED"]).touch()
            os.kill(os.getpid(), signal.SIGKILL)


class KillingLog(RedisLog):
    """The Redis log, with points before and after every append and park."""

    kill: Kill

    async def append(self, write: Write) -> bool:
        names = [_name(event, write) for event in write.events]
        for name in names:
            self.kill.at(f"before append {name}")
        answer = await super().append(write)
        for name in names:
            self.kill.at(f"after append {name}")
        return answer

    async def park(self, claim: Claim, queue: Queue, version: int, wake_at: int | None) -> None:
        self.kill.at(f"before park {queue}")
        await super().park(claim, queue, version, wake_at)


def _name(event: ev.Event, write: Write) -> str:
    if isinstance(event, ev.ToolStarted):
        return f"{event.type} {event.attempt.environment}"
    return event.type


class TargetDeployer:
    """Deploys to the target outside."""

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._url = os.environ["OUTSIDE"]

    @property
    def recovery(self) -> Literal["keyed", "queryable", "blind"]:
        return cast("Literal['keyed', 'queryable', 'blind']", os.environ["RECOVERY"])

    def problems(self, options: Mapping[str, Any], service: str | None) -> list[tuple[str, str]]:
        return []

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return {"what": f"{environment} {service or 'e2e'} {sha[:7]}"}

    async def start(self, attempt: Attempt) -> str:
        self._kill.at(f"before start {attempt.environment}")
        body = {"attempt_id": attempt.attempt_id, "what": attempt.arguments["what"]}
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self._url}/start", json=body)
        self._kill.at(f"after start {attempt.environment}")
        return str(answer.json()["reference"])

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        self._kill.at(f"before observe {attempt.environment}")
        query = {"attempt_id": attempt.attempt_id, "reference": reference}
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self._url}/observe", params=query)
        self._kill.at(f"after observe {attempt.environment}")
        return Observation(status=answer.json()["status"], summary="as the target says")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        return False

    async def current(self, options: Mapping[str, Any]) -> str | None:
        return None


class KillingModel:
    """The offline planner, with points around its turn."""

    name = "planner"

    def __init__(self, kill: Kill) -> None:
        self._kill = kill
        self._planner = OfflinePlanner()

    async def next_step(self, turn: Turn) -> ModelAnswer:
        self._kill.at("before model")
        answer = await self._planner.next_step(turn)
        self._kill.at("after model")
        return answer


async def main() -> None:
    settings = load_settings()
    kill = Kill()
    log = KillingLog(connect(settings.redis_url), settings.deploybot_lease_seconds)
    log.kill = kill
    deployers = {"target": TargetDeployer(kill)}
    repos = {REPO: repo_config("target", people={})}
    app = create_app(settings, repos, log, deployers, model=KillingModel(kill))
    config = uvicorn.Config(
        app, host="127.0.0.1", port=settings.port, log_level="warning", access_log=False
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())

"""The service as a process, as `deploybot serve` runs it, but that its deployer is the target of
the bench. Environment: OUTSIDE (the target's address), RECOVERY (its class), and the settings."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any, Literal, cast

import httpx
import uvicorn

from app.core.events import Attempt
from app.core.ports import Observation
from app.core.spec import Environment
from app.main import create_app
from app.parts import open_log
from app.settings import load_settings
from bench.shop import CONFIG


class TargetDeployer:
    """Deploys to the target outside, over one connection that stays open."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(base_url=os.environ["OUTSIDE"], timeout=60)

    def recovery(self, arguments: Mapping[str, Any]) -> Literal["keyed", "queryable", "blind"]:
        return cast("Literal['keyed', 'queryable', 'blind']", os.environ["RECOVERY"])

    def problems(
        self, options: Mapping[str, Any], service: str | None, environment: Environment
    ) -> list[tuple[str, str]]:
        return []

    def arguments(
        self, options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
    ) -> dict[str, Any]:
        return {"what": f"{environment} {service or 'e2e'} {sha[:7]}"}

    async def start(self, attempt: Attempt) -> str:
        body = {"attempt_id": attempt.attempt_id, "what": attempt.arguments["what"]}
        return str((await self._client.post("/start", json=body)).json()["reference"])

    async def observe(self, attempt: Attempt, reference: str) -> Observation:
        query = {"attempt_id": attempt.attempt_id, "reference": reference}
        answer = await self._client.get("/observe", params=query)
        return Observation(status=answer.json()["status"], summary="as the target says")

    async def cancel(self, attempt: Attempt, reference: str) -> bool:
        return False

    async def current(
        self, options: Mapping[str, Any], repo: str, service: str, environment: Environment
    ) -> str | None:
        return None


async def main() -> None:
    """Serve until killed."""
    settings = load_settings()
    async with open_log(settings) as log:
        app = create_app(settings, {CONFIG.name: CONFIG}, log, {"target": TargetDeployer()})
        config = uvicorn.Config(
            app, host=settings.host, port=settings.port, log_config=None, access_log=False
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())

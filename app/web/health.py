"""Health and metrics over HTTP; asks the store whether it can be used, and nobody else."""

from collections.abc import Mapping
from typing import Protocol

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.core.config import RepoConfig
from app.core.errors import StoreUnavailable
from app.core.ports import ThreadLog


class Store(ThreadLog, Protocol):
    """A thread log that knows how it is."""

    async def check(self) -> list[str]:
        """Say what keeps it from being used, a sentence each."""
        ...

    async def warnings(self) -> list[str]:
        """Say what makes it less safe than it could be, a sentence each."""
        ...

    async def fullness(self) -> float:
        """Return how much of its memory it uses; 0 where it has no limit."""
        ...


def health_routes(log: Store, repos: Mapping[str, RepoConfig]) -> APIRouter:
    """Build `GET /healthz`, `/readyz` and `/metrics`."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        found = await log.check()
        body = {"status": "not ready" if found else "ok", "problems": found}
        body["warnings"] = [] if found else await log.warnings()
        return JSONResponse(body, 503 if found else 200)

    @router.get("/metrics")
    async def metrics() -> Response:  # pyright: ignore[reportUnusedFunction]
        registry = CollectorRegistry()
        locks = Gauge(
            "deploybot_locks", "Targets that are locked now.", ["repo"], registry=registry
        )
        up = Gauge("deploybot_store_up", "Whether the store answers.", registry=registry)
        used = Gauge(
            "deploybot_store_used_ratio",
            "How much of its memory the store uses, 0 without a limit.",
            registry=registry,
        )
        try:
            for repo in repos:
                locks.labels(repo).set(len(await log.locks(repo)))
            used.set(await log.fullness())
            up.set(1)
        except StoreUnavailable:
            up.set(0)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router

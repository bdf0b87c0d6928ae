"""Health and metrics over HTTP; asks the store whether it can be used, and nobody else."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.core.config import RepoConfig
from app.core.errors import StoreUnavailable
from app.core.ports import ThreadLog


def health_routes(
    log: ThreadLog, repos: Mapping[str, RepoConfig], problems: Callable[[], Awaitable[list[str]]]
) -> APIRouter:
    """Build `GET /healthz`, `/readyz` and `/metrics`; `problems` are the store's."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        found = await problems()
        status = "not ready" if found else "ok"
        return JSONResponse({"status": status, "problems": found}, 503 if found else 200)

    @router.get("/metrics")
    async def metrics() -> Response:  # pyright: ignore[reportUnusedFunction]
        registry = CollectorRegistry()
        locks = Gauge(
            "deploybot_locks", "Targets that are locked now.", ["repo"], registry=registry
        )
        up = Gauge("deploybot_store_up", "Whether the store answers.", registry=registry)
        try:
            for repo in repos:
                locks.labels(repo).set(len(await log.locks(repo)))
            up.set(1)
        except StoreUnavailable:
            up.set(0)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router

"""What is measured and said of the service's health, with a store that answers and one away."""

import httpx
import pytest
from fastapi import FastAPI

from app.redis.connect import connect
from app.redis.log import RedisLog
from app.web.health import health_routes
from tests.shop import REPO, repo_config


async def get(path: str, log: RedisLog) -> httpx.Response:
    app = FastAPI()
    app.include_router(health_routes(log, {REPO: repo_config()}))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return await client.get(path)


@pytest.fixture
def away() -> RedisLog:
    """Give a log whose store is not there."""
    return RedisLog(connect("redis://127.0.0.1:1"))


async def test_a_store_that_answers(redis_log: RedisLog) -> None:
    measured = (await get("/metrics", redis_log)).text
    assert "deploybot_store_up 1.0" in measured
    assert f'deploybot_locks{{repo="{REPO}"}} 0.0' in measured
    assert (await get("/readyz", redis_log)).json()["problems"] == []


async def test_a_store_that_is_away(away: RedisLog) -> None:
    assert "deploybot_store_up 0.0" in (await get("/metrics", away)).text
    answer = await get("/readyz", away)
    assert answer.status_code == 503
    assert answer.json()["problems"]
    assert (await get("/healthz", away)).status_code == 200
    await away.close()

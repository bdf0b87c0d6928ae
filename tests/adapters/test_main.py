"""What the wired service listens to, without starting it."""

from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.parts import build_deployers
from app.redis.log import RedisLog
from app.settings import Settings
from tests.core.box import repo_config


def settings(**values: str) -> Settings:
    """Return settings that no environment changes."""
    return Settings.model_construct(
        slack_bot_token="xoxb-test",
        github_webhook_secret="secret",
        deploybot_config=Path("deploybot.toml"),
        **values,  # pyright: ignore[reportArgumentType]
    )


async def answer(chosen: Settings, log: RedisLog, method: str, path: str) -> int:
    app = create_app(chosen, {"acme/shop": repo_config()}, log, build_deployers(chosen, None))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        return (await client.request(method, path)).status_code


async def test_without_a_signing_secret_slack_is_not_listened_to(redis_log: RedisLog) -> None:
    chosen = settings(slack_app_token="xapp-test")
    assert await answer(chosen, redis_log, "POST", "/slack/events") == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_health_is_answered(redis_log: RedisLog, path: str) -> None:
    assert await answer(settings(), redis_log, "GET", path) == 200

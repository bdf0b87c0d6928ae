"""Socket Mode where Slack does not answer: the rest of the service starts and ends all the same."""

import asyncio

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from app.demo.child import free_port
from app.slack.socket import socket_mode
from app.slack.web import silent


async def nobody(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """Authorize as nothing."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


async def test_a_slack_that_is_away_does_not_hold_the_start_up() -> None:
    client = AsyncWebClient(base_url=f"http://127.0.0.1:{free_port()}/api/", timeout=1)
    app = AsyncApp(client=client, authorize=nobody, signing_secret="", logger=silent)
    async with asyncio.timeout(5), socket_mode(app, "xapp-1"):
        pass

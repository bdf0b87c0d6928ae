"""Checks for `doctor`: whether this token can do in Slack what the bot has to do."""

from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from app.core.config import RepoConfig
from app.core.finding import Finding
from app.slack.answers import ChannelInfo, Own, code_of
from app.slack.manifest import BOT_SCOPES
from app.slack.web import NO_ANSWER, NOT_SLACK, silent

ANSWER_SECONDS = 10
UNREACHABLE = (aiohttp.ClientError, TimeoutError, OSError, ValueError, *NOT_SLACK)


async def check_slack(
    token: str, app_token: str, api_url: str, repos: Mapping[str, RepoConfig]
) -> list[Finding]:
    """Check the tokens, the scopes, and the bot's membership in every configured channel."""
    if not token:
        return [Finding(False, "Slack: there is no bot token", "Set SLACK_BOT_TOKEN.")]
    client: Any = AsyncWebClient(
        token=token, base_url=api_url, timeout=ANSWER_SECONDS, logger=silent, retry_handlers=[]
    )
    try:
        answer = await client.auth_test()
        own = Own.read(answer.data)
    except SlackApiError as error:
        fix = "Install the app in the workspace and copy its bot token."
        return [Finding(False, f"Slack: the token is refused: {_reason(error)}", fix)]
    except UNREACHABLE as error:
        return [Finding(None, f"Slack: could not check: {error}", "Check SLACK_API_URL.")]
    channels = sorted({channel for repo in repos.values() for channel in repo.channels})
    return [
        Finding(True, f"Slack: the token is {own.user or 'a bot'}'s"),
        _scopes(cast("Mapping[str, str]", answer.headers)),
        *[await _member(client, channel) for channel in channels],
        *([await _socket_mode(client, app_token)] if app_token else []),
    ]


async def _socket_mode(client: Any, app_token: str) -> Finding:
    try:
        await client.apps_connections_open(app_token=app_token)
    except SlackApiError as error:
        if code_of(error) == "unknown_method":
            return Finding(None, "Slack: could not check the app-level token: not a real Slack")
        fix = "Make an app-level token with connections:write, and switch on Socket Mode."
        return Finding(False, f"Slack: the app-level token is refused: {_reason(error)}", fix)
    except UNREACHABLE as error:
        return Finding(None, f"Slack: could not check the app-level token: {error}")
    return Finding(True, "Slack: Socket Mode can be used")


def _scopes(headers: Mapping[str, str]) -> Finding:
    given = {name.lower(): value for name, value in headers.items()}.get("x-oauth-scopes")
    if given is None:
        return Finding(None, "Slack: could not check the scopes: Slack did not list them")
    missing = sorted(set(BOT_SCOPES) - {scope.strip() for scope in given.split(",")})
    if missing:
        fix = "Add them (see `deploybot manifest`) and install the app again."
        return Finding(False, f"Slack: scopes are missing: {', '.join(missing)}", fix)
    return Finding(True, "Slack: all scopes are there")


async def _member(client: Any, channel: str) -> Finding:
    try:
        answer = await client.conversations_info(channel=channel)
        is_member = ChannelInfo.read(answer.data).channel.is_member
    except SlackApiError as error:
        fix = "Check the channel's id, and invite the bot with /invite."
        return Finding(False, f"Slack: {channel}: {_reason(error)}", fix)
    except UNREACHABLE as error:
        return Finding(None, f"Slack: {channel}: could not check: {error}")
    if is_member is None:
        return Finding(None, f"Slack: {channel}: could not check whether the bot is a member")
    if not is_member:
        return Finding(False, f"Slack: the bot is not in {channel}", "Invite it with /invite.")
    return Finding(True, f"Slack: the bot is in {channel}")


def _reason(error: SlackApiError) -> str:
    return code_of(error) or NO_ANSWER

"""Slack's Web API for what a person waits for: one try, two seconds, and a reason when it fails.

Messages of the bot go another way, through `chat`, which is patient.
"""

import asyncio
import json
import logging
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

ANSWER_SECONDS = 2.0

# What slack_sdk raises for an answer that is text or a list.
NOT_SLACK = (AttributeError, TypeError)

# The vendor's packages log payloads, so they log nothing.
silent = logging.getLogger("app.slack.silent")
silent.setLevel(logging.CRITICAL + 1)

Json = dict[str, Any]


class SlackSilent(Exception):
    """Report that Slack refused or did not answer; the text is its reason."""


class SlackWeb:
    """Calls methods by name with form fields; lists and objects are sent as JSON."""

    def __init__(self, token: str, api_url: str) -> None:
        """Use this Slack."""
        client = AsyncWebClient(token=token, base_url=api_url, logger=silent, retry_handlers=[])
        self._client = cast(Any, client)

    async def call(self, method: str, **fields: object) -> Json:
        """Return the answer of a method; raise `SlackSilent` with the reason if there is none."""
        data = {name: _field(value) for name, value in fields.items() if value is not None}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._client.api_call(method, data=data)
        except SlackApiError as error:
            raise SlackSilent(reason(error)) from error
        except (aiohttp.ClientError, OSError, ValueError, *NOT_SLACK) as error:
            raise SlackSilent("Slack did not answer") from error
        return cast(Json, response.data)


def _field(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def reason(error: SlackApiError) -> str:
    """Return Slack's own code for what it refused."""
    answer = cast(Any, error.response)
    if isinstance(answer, aiohttp.ClientResponse):  # it was no JSON, but for its content type
        return "Slack did not answer"
    return str(answer.get("error", "no reason given"))

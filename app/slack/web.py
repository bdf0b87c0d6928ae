"""Slack's Web API for what a person waits for: one try, two seconds, and a reason when it fails.

Messages of the bot go another way, through `chat`, which is patient.
"""

import asyncio
import json
import logging
from typing import Any, TypeVar, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from app.slack.answers import Answer, code_of

ANSWER_SECONDS = 2.0
NO_ANSWER = "Slack did not answer"

# What slack_sdk raises for an answer that is text, a list, or of no known or bearable form.
NOT_SLACK = (AttributeError, TypeError, LookupError, RecursionError)

# The vendor's packages log payloads, so they log nothing.
silent = logging.getLogger("app.slack.silent")
silent.setLevel(logging.CRITICAL + 1)

Kind = TypeVar("Kind", bound=Answer)


class SlackSilent(Exception):
    """Report that Slack refused or did not answer; the text is its reason."""


class SlackWeb:
    """Calls methods by name with form fields; lists and objects are sent as JSON."""

    def __init__(self, token: str, api_url: str) -> None:
        """Use this Slack."""
        client = AsyncWebClient(token=token, base_url=api_url, logger=silent, retry_handlers=[])
        self._client = cast(Any, client)

    async def call(self, kind: type[Kind], method: str, **fields: object) -> Kind:
        """Return the answer of a method; raise `SlackSilent` with the reason if there is none."""
        data = {name: _field(value) for name, value in fields.items() if value is not None}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._client.api_call(method, data=data)
            return kind.read(response.data)
        except SlackApiError as error:
            raise SlackSilent(code_of(error) or NO_ANSWER) from error
        except (aiohttp.ClientError, OSError, ValueError, *NOT_SLACK) as error:
            raise SlackSilent(NO_ANSWER) from error


def _field(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)

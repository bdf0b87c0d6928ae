"""The Chat port on Slack's Web API; knows nothing of threads or what messages say."""

import json
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, Protocol, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from app.core.config import RepoConfig
from app.core.errors import ChatRefused, ChatUnavailable, MessageGone, RateLimited
from app.slack.answers import Answer, Page, Posted, code_of, seconds_away
from app.slack.text import in_zone, without_dates
from app.slack.web import NOT_SLACK, Kind, silent

EVENT_TYPE = "deploybot_slot"
TIMEOUT_SECONDS = 10
PAGE = 100
MOST_PAGES = 100
CLOCKS_DIFFER_MS = 5 * 60_000
NO_ZONES: Mapping[str, tzinfo] = MappingProxyType({})
GONE = frozenset({"message_not_found", "thread_not_found", "cant_update_message"})
TROUBLE = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})

Json = dict[str, Any]


class _Response(Protocol):
    """The part of slack_sdk's untyped response that is used."""

    status_code: int
    headers: Mapping[str, str]
    data: object


class _Client(Protocol):
    """The part of slack_sdk's untyped client that is used."""

    def api_call(
        self, api_method: str, *, params: Json | None = None, json: Json | None = None
    ) -> Awaitable[_Response]: ...


class SlackChat:
    """Speaks to one workspace; retries nothing, since the sender knows what a lost reply means."""

    def __init__(
        self,
        token: str,
        base_url: str = "https://slack.com/api/",
        *,
        dates: bool = True,
        zones: Mapping[str, tzinfo] = NO_ZONES,
    ) -> None:
        """Use the Web API at `base_url`.

        Slack shows times in the zone of who reads them; in a channel's own of these `zones`, else
        in UTC, is what notifications show, and all that is sent without `dates`.
        """
        self._dates = dates
        self._zones = zones
        self._pages: dict[str, str] = {}
        self._client = AsyncWebClient(
            token=token,
            base_url=base_url,
            timeout=TIMEOUT_SECONDS,
            logger=silent,
            retry_handlers=[],
        )

    async def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        thread_ts: str | None,
        key: str,
    ) -> str:
        """Post a message that carries its key as metadata."""
        body: Json = {
            "channel": channel,
            **self._shown(channel, text, blocks),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        return (await self._call(Posted, "chat.postMessage", body)).ts

    async def update(
        self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> None:
        """Replace a message."""
        body: Json = {"channel": channel, "ts": ts, **self._shown(channel, text, blocks)}
        await self._call(Answer, "chat.update", body)

    async def find(
        self, channel: str, thread_ts: str | None, key: str, since: int = 0
    ) -> str | None:
        """Look through the messages for the key, in the metadata or a block's name.

        Where Slack breaks it off, or it does not end, the next look for this key goes on with the
        same page.
        """
        query: Json = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
        method = "conversations.history"
        if thread_ts is not None:
            method, query["ts"] = "conversations.replies", thread_ts
        if since > CLOCKS_DIFFER_MS:
            query["oldest"] = f"{(since - CLOCKS_DIFFER_MS) / 1000:.6f}"
        page = self._pages.pop(key, "")
        for _ in range(MOST_PAGES):
            asked = {**query, "cursor": page} if page else query
            try:
                answer = await self._call(Page, method, asked, form=True)
            except (RateLimited, ChatUnavailable):
                self._pages[key] = page
                raise
            found = [message.ts for message in answer.messages if message.carries(key)]
            if found or not answer.next:
                return max(found, default=None)
            if answer.next == page:
                raise ChatUnavailable(f"{method}: a page that is its own next one")
            page = answer.next
        self._pages[key] = page
        raise ChatUnavailable(f"{method}: more than {MOST_PAGES} pages")

    async def ephemeral(self, channel: str, user: str, text: str, thread_ts: str | None) -> None:
        """Tell one person something that nobody else sees."""
        body: Json = {"channel": channel, "user": user, "text": self.timed(channel, text)}
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        await self._call(Answer, "chat.postEphemeral", body)

    def timed(self, channel: str, text: str) -> str:
        """Write times as the readers of a channel are to see them."""
        zoned = in_zone(text, self._zones[channel]) if channel in self._zones else text
        return zoned if self._dates else without_dates(zoned)

    def _shown(self, channel: str, text: str, blocks: Sequence[Mapping[str, Any]]) -> Json:
        told = json.dumps({"text": text, "blocks": list(blocks)})
        return json.loads(self.timed(channel, told))

    async def _call(self, kind: type[Kind], method: str, body: Json, *, form: bool = False) -> Kind:
        call = cast("_Client", self._client).api_call
        try:
            response = await (call(method, params=body) if form else call(method, json=body))
            return kind.read(response.data)
        except SlackApiError as error:
            raise _refusal(method, error) from error
        except (SlackClientError, aiohttp.ClientError, OSError, ValueError, *NOT_SLACK) as error:
            raise ChatUnavailable(f"{method}: {type(error).__name__}") from error


def zones_of(repos: Iterable[RepoConfig]) -> dict[str, tzinfo]:
    """Return the zone of each channel; UTC where repositories of several zones share it."""
    zones: dict[str, tzinfo] = {}
    for repo in repos:
        for channel in repo.channels:
            known = zones.setdefault(channel, repo.zone)
            zones[channel] = repo.zone if str(known) == str(repo.zone) else UTC
    return zones


def _refusal(method: str, error: SlackApiError) -> Exception:
    answered = cast("object", error.response)
    if isinstance(answered, aiohttp.ClientResponse):  # it was no JSON, but for its content type
        return _limited(answered.headers) if answered.status == 429 else _no_json(method)
    response = cast("_Response", answered)
    code = code_of(error)
    if response.status_code == 429 or code == "ratelimited":
        return _limited(response.headers)
    if not code:  # somebody between Slack and us answered
        return ChatUnavailable(f"{method}: status {response.status_code}")
    if code in GONE:
        return MessageGone(code)
    if response.status_code >= 500 or code in TROUBLE:
        return ChatUnavailable(code)
    return ChatRefused(code)


def _limited(headers: Mapping[str, str]) -> RateLimited:
    return RateLimited(seconds_away(headers.get("Retry-After", "")))


def _no_json(method: str) -> ChatUnavailable:
    return ChatUnavailable(f"{method}: no JSON")

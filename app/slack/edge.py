"""The one door for Slack: from signed bytes to Bolt; bodies are never logged."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from app.body import Door, Refused

MAX_BODY_MEGABYTES = 1
MAX_AGE_SECONDS = 5 * 60
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Json = dict[str, Any]


class _Anything(BaseModel):
    view: Json = {}  # Bolt trips over any other


class _Named(BaseModel):
    type: str


class _Event(_Anything):
    event_id: str = Field(min_length=1)
    event: _Named


class _Action(BaseModel):
    type: str
    action_id: str


class _Actions(_Anything):
    actions: list[_Action] = Field(min_length=1)


class _View(BaseModel):
    type: str
    callback_id: str


class _Submission(BaseModel):
    view: _View


class _Challenge(_Anything):
    challenge: str


# What says what a payload is; the rest is checked by whoever reads it.
_FORMS: Mapping[str, type[BaseModel]] = {
    "event_callback": _Event,
    "block_actions": _Actions,
    "view_submission": _Submission,
    "url_verification": _Challenge,
}


def slack_routes(app: AsyncApp, signing_secret: str, clock: Callable[[], float]) -> APIRouter:
    """Build `POST /slack/events`; `clock` gives seconds since the epoch.

    200: taken, seen before, or not for us. 400, 401, 408, 413: refused, nothing stored.
    503: too many at once, or the store is away; Slack sends events again.
    """
    router = APIRouter()
    door = Door(MAX_BODY_MEGABYTES)

    @router.post("/slack/events")
    async def events(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            timestamp = _fresh(request.headers, clock())
            signature = request.headers.get("x-slack-signature", "")
            if not signature:
                raise Refused(401, "There is no X-Slack-Signature.")
            async with door.body(request) as body:
                _verify(signing_secret, timestamp, body, signature)
                return await _received(app, _parsed(body, request.headers.get("content-type", "")))
        except Refused as refused:
            _log.warning("slack request refused", status=refused.status, reason=refused.sentence)
            return refused.answer()

    return router


async def _received(app: AsyncApp, payload: Json) -> Response:
    if payload.get("type") == "url_verification":
        return Response(str(payload["challenge"]), media_type="text/plain")
    if "ssl_check" in payload:
        return Response()
    try:
        # As a parsed body, so that nothing parses the bytes a second time and differently.
        answer = await app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        # Our handlers' errors end in `on_error`: this is Bolt itself, tripping over a field.
        _log.warning("slack request refused", status=400, reason=type(error).__name__)
        return Response("A field has the wrong form.\n", 400, media_type="text/plain")
    if answer.status == 404:
        return Response()  # well-formed, but nothing here listens for it
    return Response(answer.body, answer.status, headers=answer.first_headers_without_set_cookie())


def _verify(secret: str, timestamp: str, body: bytes, signature: str) -> None:
    signed = b"v0:" + timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refused(401, "The signature is wrong.")


def _fresh(headers: Mapping[str, str], now: float) -> str:
    timestamp = headers.get("x-slack-request-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise Refused(401, "X-Slack-Request-Timestamp is missing or not a number.")
    if abs(now - int(timestamp)) > MAX_AGE_SECONDS:
        raise Refused(401, "X-Slack-Request-Timestamp is more than five minutes away.")
    return timestamp


def _parsed(body: bytes, content_type: str) -> Json:
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            form: Json = dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
            payload = json.loads(form["payload"]) if "payload" in form else form
        else:
            payload = json.loads(text)
        json.dumps(payload, ensure_ascii=False).encode()  # refuses half characters
    except (ValueError, RecursionError):
        raise Refused(400, "The body is no valid JSON or form.") from None
    if not isinstance(payload, dict):
        raise Refused(400, "The body is not a JSON object.")
    fields = cast(Json, payload)
    _complete(fields)
    return fields


def _complete(payload: Json) -> None:
    """Refuse what lacks the fields that say what it is; handlers check their own."""
    kind = payload.get("type")
    if kind is None and ("command" in payload or "ssl_check" in payload):
        return
    if not isinstance(kind, str):
        raise Refused(400, "The field type is missing.")
    try:
        _FORMS.get(kind, _Anything).model_validate(payload)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Refused(400, f"The field {field} is missing or has the wrong form.") from None

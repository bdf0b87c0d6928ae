"""The webhook's route: from signed bytes to one append; bodies are never logged."""

import hashlib
from collections.abc import Mapping, Sequence

import structlog
from fastapi import APIRouter, Request, Response

from app.body import Door, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict, StoreUnavailable
from app.core.ids import thread_id_for
from app.core.ledger import ATTEMPT
from app.core.ports import ThreadLog, Write
from app.github.start import start_of
from app.github.waking import tell_waiting
from app.github.webhook import (
    MalformedWebhook,
    Merge,
    Ran,
    parse,
    parse_run,
    signature_of,
    verify,
)

MAX_BODY_MEGABYTES = 25
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def github_routes(
    secrets: Sequence[str], repos: Mapping[str, RepoConfig], log: ThreadLog
) -> APIRouter:
    """Build `POST /github/webhook`.

    202: a thread began, or those were woken that a workflow's run is about, or that wait for it.
    200: seen before, or not for us. 400, 401, 408, 413: refused, nothing stored. 503: too many at
    once, or the store is away; GitHub shows the delivery as failed, and it can be sent again.
    """
    router = APIRouter()
    door = Door(MAX_BODY_MEGABYTES)
    # GitHub does not tell upper and lower case apart.
    configured = {name.lower(): repo for name, repo in repos.items()}

    @router.post("/github/webhook")
    async def webhook(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            if not signature_of(request.headers):
                raise Refused(401, "There is no X-Hub-Signature-256.")
            async with door.body(request) as body:
                if not verify(secrets, body, request.headers):
                    raise Refused(401, "The signature is wrong.")
                return await received(request, body)
        except Refused as refused:
            _log.warning("webhook refused", status=refused.status, reason=refused.sentence)
            return refused.answer()

    async def received(request: Request, body: bytes) -> Response:
        delivery = request.headers.get("x-github-delivery", "")
        found = _parsed(request, body, delivery)
        repo = configured.get(found.repo.lower()) if found else None
        if found is None or repo is None:
            return _say(200, "Ignored.")
        cause = f"github:{delivery[:100]}:{hashlib.sha256(body).hexdigest()}"
        if isinstance(found, Ran):
            return await _ran(log, repo, found, cause)
        return await _merged(log, repo, found, cause)

    return router


async def _merged(log: ThreadLog, repo: RepoConfig, merge: Merge, cause: str) -> Response:
    if merge.branch != repo.branch:
        return _say(200, "Ignored.")
    write = start_of(merge, repo, cause)
    try:
        began = await log.append(write)
    except Conflict:  # the thread is there, though its keys have run out
        return _say(200, "Seen before.")
    except StoreUnavailable:
        _log.error("webhook not stored", cause=cause)
        return Refused(503, "The store is not available: send this again later.").answer()
    _log.info("merge received", thread_id=write.thread_id, sha=merge.sha, began=began is not None)
    return _say(202, "Accepted.") if began else _say(200, "Seen before.")


async def _ran(log: ThreadLog, repo: RepoConfig, run: Ran, cause: str) -> Response:
    """Wake whose attempt a run is, and tell who waits for it.

    Without credentials nobody looks at a run later, so what is not stored is not acknowledged.
    """
    try:
        told = await tell_waiting(log, repo.name, run, cause)
        thread_id = await _thread_of(log, repo, run)
        woken = thread_id and await log.append(Write(thread_id, [], dedupe=[cause]))
    except (Conflict, StoreUnavailable):
        _log.warning("run not noted", sha=run.sha)
        return Refused(503, "The store is not available: send this again later.").answer()
    _log.info("run received", thread_id=thread_id, sha=run.sha, woken=bool(woken), told=told)
    return _say(202, "Accepted.") if woken or told else _say(200, "Ignored.")


async def _thread_of(log: ThreadLog, repo: RepoConfig, run: Ran) -> str | None:
    """Return the thread that a run is about: its attempt's, or that of the merge that began it."""
    for attempt_id in run.attempts:
        thread_id = await log.find(repo.name, ATTEMPT, attempt_id)
        if thread_id:
            return thread_id
    merge = thread_id_for(repo.name, run.branch, run.sha)
    return merge if await log.read(merge) else None


def _parsed(request: Request, body: bytes, delivery: str) -> Merge | Ran | None:
    event = request.headers.get("x-github-event", "")
    if not event or not delivery:
        raise Refused(400, "X-GitHub-Event or X-GitHub-Delivery is missing.")
    try:
        return parse_run(body) if event == "workflow_run" else parse(body, event)
    except MalformedWebhook as error:
        raise Refused(400, str(error)) from None


def _say(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, media_type="text/plain")

"""The webhook's route: from signed bytes to one append; bodies are never logged."""

import hashlib
from collections.abc import Mapping, Sequence

import structlog
from fastapi import APIRouter, Request, Response

from app.body import Refused, read_body
from app.core.config import RepoConfig
from app.core.errors import Conflict, StoreUnavailable
from app.core.events import ThreadStarted
from app.core.ids import thread_id_for
from app.core.ports import ThreadLog, Write
from app.github.webhook import MalformedWebhook, Merge, parse, signature_of, verify

MAX_BODY_MEGABYTES = 25
_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def github_routes(
    secrets: Sequence[str], repos: Mapping[str, RepoConfig], log: ThreadLog
) -> APIRouter:
    """Build `POST /github/webhook`.

    202: a thread began. 200: seen before, or not for us. 400, 401, 408, 413: refused, nothing
    stored. 503: the store is away; GitHub shows the delivery as failed, and it can be sent again.
    """
    router = APIRouter()
    # GitHub does not tell upper and lower case apart.
    configured = {name.lower(): repo for name, repo in repos.items()}

    @router.post("/github/webhook")
    async def webhook(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        delivery = request.headers.get("x-github-delivery", "")
        try:
            body = await _signed_body(request, secrets)
            merge = _parsed(request, body, delivery)
            repo = configured.get(merge.repo.lower()) if merge else None
            if merge is None or repo is None or merge.branch != repo.branch:
                return _say(200, "Ignored.")
            write = _write_for(merge, repo, delivery, hashlib.sha256(body).hexdigest())
            began = await log.append(write)
        except Refused as refused:
            _log.warning("webhook refused", status=refused.status, reason=refused.sentence)
            return _say(refused.status, refused.sentence)
        except Conflict:  # the thread is there, though its keys have run out
            return _say(200, "Seen before.")
        except StoreUnavailable:
            _log.error("webhook not stored", delivery=delivery[:100])
            return _say(503, "The store is not available: send this again later.")
        _log.info("merge received", thread_id=write.thread_id, sha=merge.sha, began=began)
        return _say(202, "Accepted.") if began else _say(200, "Seen before.")

    return router


async def _signed_body(request: Request, secrets: Sequence[str]) -> bytes:
    if not signature_of(request.headers):
        raise Refused(401, "There is no X-Hub-Signature-256.")
    body = await read_body(request, MAX_BODY_MEGABYTES)
    if not verify(secrets, body, request.headers):
        raise Refused(401, "The signature is wrong.")
    return body


def _parsed(request: Request, body: bytes, delivery: str) -> Merge | None:
    event = request.headers.get("x-github-event", "")
    if not event or not delivery:
        raise Refused(400, "X-GitHub-Event or X-GitHub-Delivery is missing.")
    try:
        return parse(body, event)
    except MalformedWebhook as error:
        raise Refused(400, str(error)) from None


def _write_for(merge: Merge, repo: RepoConfig, delivery: str, digest: str) -> Write:
    thread_id = thread_id_for(repo.name, merge.branch, merge.sha)
    started = ThreadStarted(
        thread_id=thread_id,
        repo=repo.name,
        branch=merge.branch,
        channel=repo.channel,
        origin="merge",
        sha=merge.sha,
        pull_request=merge.pull_request,
    )
    dedupe = [
        f"github:{delivery[:100]}:{digest}",
        f"merge:{repo.name}:{merge.branch}:{merge.sha}",
    ]
    return Write(thread_id=thread_id, events=[started], version=0, dedupe=dedupe)


def _say(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, media_type="text/plain")

"""What GitHub says of merges and runs, verified and parsed; no I/O, no idea of configurations."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.core.events import PullRequest
from app.core.untrusted import clean, masked
from app.core.workflows import conclusion_of

_PREFIX = b"sha256="
_ATTEMPT_ID = re.compile(r"\b[0-9a-f]{32}\b")
_TITLE_READ = 4096
_ATTEMPTS_READ = 4
_LABELS_READ = 100  # GitHub allows a pull request no more


@dataclass(frozen=True, slots=True)
class Merge:
    """A pull request was merged: `sha` is what the branch got."""

    repo: str
    branch: str
    sha: str
    pull_request: PullRequest
    labels: tuple[str, ...] = ()

    def has_label(self, name: str) -> bool:
        """Tell whether the pull request has a label, whose case does not count."""
        return name.lower() in (label.lower() for label in self.labels)


@dataclass(frozen=True, slots=True)
class Ran:
    """A workflow's run began or ended; `attempts` are the words of its name that may be their ids.

    `sha` is the commit of the workflow's file: of a push, what was pushed. `workflow` is that
    file's name, `conclusion` is None until the run has ended.
    """

    repo: str
    branch: str
    sha: str
    attempts: tuple[str, ...]
    run_id: int
    workflow: str
    conclusion: str | None
    url: str


class MalformedWebhook(Exception):
    """Carry one sentence about what is wrong with what GitHub said; never a part of it."""


def signature_of(headers: Mapping[str, str]) -> str:
    """Return the SHA-256 signature's header, empty if there is none; SHA-1 does not count."""
    return next((v for k, v in headers.items() if k.lower() == "x-hub-signature-256"), "")


def verify(secrets: Sequence[str], body: bytes, headers: Mapping[str, str]) -> bool:
    """Tell whether one of the secrets signed exactly these bytes; takes the same time for any.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    given = signature_of(headers).encode()
    good = False
    for secret in filter(None, secrets):
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        good |= hmac.compare_digest(_PREFIX + digest.encode(), given)
    return good


def parse(body: bytes, event: str) -> Merge | None:
    """Return the merge that a webhook reports, None for every other event.

    Raise `MalformedWebhook` for what GitHub never sends.
    """
    data = _json_object(body)
    if event != "pull_request":
        return None
    if not isinstance(data.get("action"), str):
        raise MalformedWebhook("The event has no action.")
    if data["action"] != "closed":
        return None
    try:
        return _merge(data)
    except ValidationError as error:
        raise _malformed(error) from None


def parse_run(body: bytes) -> Ran | None:
    """Return what a `workflow_run` event reports, None for an action that we do not know.

    Raise `MalformedWebhook` for what GitHub never sends.
    """
    data = _json_object(body)
    if not isinstance(data.get("action"), str):
        raise MalformedWebhook("The event has no action.")
    if data["action"] not in ("requested", "in_progress", "completed"):
        return None
    try:
        parsed = _RunEvent.model_validate(data)
    except ValidationError as error:
        raise _malformed(error) from None
    run = parsed.workflow_run
    words = _ATTEMPT_ID.findall(run.display_title[:_TITLE_READ])
    attempts = tuple(dict.fromkeys(words))[:_ATTEMPTS_READ]
    return Ran(
        repo=parsed.repository.full_name,
        branch=run.head_branch or "",
        sha=run.head_sha,
        attempts=attempts,
        run_id=run.id,
        workflow=run.path.partition("@")[0].rpartition("/")[2],
        conclusion=conclusion_of(run.conclusion) if parsed.action == "completed" else None,
        url=run.html_url,
    )


def parse_pull_request(body: bytes, repo: str) -> Merge | None:
    """Return the merge that the API's answer about a pull request shows, None if there is none.

    It is the very form that the webhook has. Raise `MalformedWebhook` for any other.
    """
    data = _json_object(body)
    try:
        if not _ClosedPull.model_validate(data).merged:
            return None
        return _merge_of(repo, _MergedPull.model_validate(data))
    except ValidationError as error:
        raise _malformed(error) from None


def _malformed(error: ValidationError) -> MalformedWebhook:
    keys = sorted({".".join(str(part) for part in e["loc"]) for e in error.errors()})
    return MalformedWebhook(f"Missing or wrong in the event: {', '.join(keys)}.")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        data: Any = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedWebhook("The body is not UTF-8.") from None
    except RecursionError:
        raise MalformedWebhook("The body is nested too deeply.") from None
    except ValueError:
        sentence = "The body is not JSON: set the webhook's content type to application/json."
        raise MalformedWebhook(sentence) from None
    if not isinstance(data, dict):
        raise MalformedWebhook("The body is not a JSON object.")
    return cast("dict[str, Any]", data)


def _merge(data: Mapping[str, Any]) -> Merge | None:
    closed = _Closed.model_validate(data)
    if not closed.pull_request.merged:
        return None
    merged = _Merged.model_validate(data)
    return _merge_of(merged.repository.full_name, merged.pull_request)


def _merge_of(repo: str, pull: "_MergedPull") -> Merge:
    return Merge(
        repo=repo,
        branch=pull.base.ref,
        sha=pull.merge_commit_sha,
        pull_request=PullRequest(
            number=pull.number,
            title=pull.title,
            url=pull.html_url,
            author=_login(pull.user),
            merged_by=_login(pull.merged_by),
            body=pull.body or "",
        ),
        labels=tuple(label.name for label in pull.labels[:_LABELS_READ]),
    )


def _cut(length: int) -> BeforeValidator:
    """Clean, mask, cut, and replace the lone surrogates that JSON allows and UTF-8 does not.

    Masked before it is cut, so that no half of a credential is left that nothing recognises.
    """

    def cut(value: object) -> object:
        if not isinstance(value, str):
            return value
        plain = masked(clean(value.encode("utf-8", errors="replace").decode()))
        return plain if len(plain) <= length else plain[: length - 1] + "…"

    return BeforeValidator(cut)


_Line = Annotated[str, _cut(300)]
_Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class _Strict(BaseModel):
    """A part of the event; what is not used is still required, for GitHub always sends it."""

    model_config = ConfigDict(strict=True)


class _Ref(_Strict):
    ref: _Line


class _User(_Strict):
    login: Annotated[str, _cut(100)]


class _Repository(_Strict):
    id: int
    full_name: _Line


class _ClosedPull(_Strict):
    merged: bool


class _Closed(_Strict):
    action: Literal["closed"]
    pull_request: _ClosedPull


class _Label(_Strict):
    name: Annotated[str, _cut(100)]


class _MergedPull(_Strict):
    number: int
    title: _Line
    html_url: Annotated[str, _cut(1001), Field(pattern=r"^https?://", max_length=1000)]
    merge_commit_sha: _Sha
    base: _Ref
    head: _Ref
    user: _User | None
    merged_by: _User | None
    body: Annotated[str | None, _cut(4000)] = None
    labels: list[_Label] = []


class _Merged(_Strict):
    repository: _Repository
    pull_request: _MergedPull


class _Run(_Strict):
    id: int
    path: _Line = ""
    conclusion: str | None = None
    html_url: Annotated[str, _cut(1001), Field(pattern=r"^https?://", max_length=1000)]
    display_title: str
    head_branch: _Line | None
    head_sha: _Sha


class _RunEvent(_Strict):
    action: str
    repository: _Repository
    workflow_run: _Run


def _login(user: _User | None) -> str:
    """Return the login; GitHub shows a deleted account as `ghost`."""
    return user.login if user else "ghost"

"""What may stand in the tables of deploybot.toml, each value by itself."""

import re
from typing import Annotated, Any, Literal, Self, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app import cron
from app.core import duration
from app.working_hours import HoursTable

CHANNEL_ID = re.compile(r"[CG][A-Z0-9]+")
USER_ID = re.compile(r"[UW][A-Z0-9]+")
APPROVER_ID = re.compile(r"[UWS][A-Z0-9]+")
GLOB = re.compile(r"(?!/|!|\.\.?/)[^\\]+(?<!/)")


def _matching(pattern: re.Pattern[str], problem: str) -> AfterValidator:
    def match(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"{value!r}: {problem}")
        return value

    return AfterValidator(match)


def _lasting(value: str) -> str:
    duration.seconds(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r}: no time zone like 'Europe/Berlin' or 'UTC'") from None
    return value


def _tables_only(value: Any) -> Any:
    if not isinstance(value, list):
        raise ValueError("has to be a list of tables with cron, duration and reason")
    return cast("Any", value)


def _cron(value: str) -> str:
    if wrong := cron.problem(value):
        raise ValueError(f"{value!r}: {wrong}")
    return value


def _literal(value: str) -> str:
    if value != value.strip():
        raise ValueError(f"{value!r}: begins or ends with a space, so it matches no file")
    if "{" in value or "}" in value:
        raise ValueError(f"{value!r}: braces mean nothing here: write one pattern for each choice")
    return value


_Channel = Annotated[str, _matching(CHANNEL_ID, "not a Slack channel id (C…)")]
_User = Annotated[str, _matching(USER_ID, "not a Slack user id (U…)")]
_Glob = Annotated[
    str,
    AfterValidator(_literal),
    _matching(GLOB, "not a path below the repository's root, as web/**"),
]
_Approver = Annotated[str, _matching(APPROVER_ID, "not a Slack user or user group id (U…, S…)")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FreezeTable(_Strict):
    """When nothing is deployed, and why."""

    cron: Annotated[str, AfterValidator(_cron)]
    duration: Annotated[str, AfterValidator(_lasting)]
    reason: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if cron.never_ends(self.cron, duration.seconds(self.duration)):
            raise ValueError(
                f"{self.cron!r} for {self.duration!r} never ends: the next one begins before that"
            )
        return self


_Freezes = Annotated[list[FreezeTable], BeforeValidator(_tables_only)]


class EnvironmentTable(_Strict):
    e2e: dict[str, Any] | None = None
    services: dict[str, dict[str, Any]] = Field(min_length=1)


class ProductionTable(EnvironmentTable):
    jobs: dict[str, dict[str, Any]] = {}


class UndeployedTable(_Strict):
    cron: Annotated[str, AfterValidator(_cron)]


class RepoTable(_Strict):
    branch: str = Field(default="main", min_length=1)
    mode: Literal["live", "shadow"] = "live"
    channel: _Channel
    approvers: list[_Approver]
    approvals_needed: int = Field(default=1, ge=1, le=10)
    allow_self_approval: bool = False
    approval: Literal["call", "plan"] = "call"
    approval_expires: Annotated[str, AfterValidator(_lasting)] = "24h"
    instructions: str = Field(default="", max_length=4000)
    people: dict[str, _User] = {}
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    freeze: _Freezes = []
    risky: list[_Glob] = []
    undeployed: UndeployedTable | None = None
    supersede: Literal["ask", "newest", "never"] = "ask"
    urgent_label: str = Field(default="urgent", min_length=1, max_length=50)
    hours: HoursTable | None = None
    remind_after: Annotated[str, AfterValidator(_lasting)] = "30m"
    escalate_to: list[_Approver] = []
    escalate_after: Annotated[str, AfterValidator(_lasting)] = "2h"
    staging: dict[str, Any]
    production: dict[str, Any]


class NoRules(_Strict):
    """What staging and tests have of their own."""


class ServiceRules(_Strict):
    """What a production service may have of its own."""

    approvers: list[_Approver] | None = None
    approvals_needed: int | None = Field(default=None, ge=1, le=10)
    channel: _Channel | None = None
    paths: list[_Glob] = []
    freeze: _Freezes | None = None
    risky: list[_Glob] | None = None


class JobRules(_Strict):
    """What a job of production may have of its own."""

    approvers: list[_Approver] | None = None
    approvals_needed: int | None = Field(default=None, ge=1, le=10)
    paths: list[_Glob] = []
    freeze: _Freezes | None = None
    before: str | None = None


Rules = NoRules | ServiceRules | JobRules


class FileTable(_Strict):
    repos: dict[str, Any] = Field(min_length=1)

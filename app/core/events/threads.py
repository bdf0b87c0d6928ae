"""How a thread begins, and what people say and do in it."""

from collections.abc import Mapping
from typing import Literal

from app.core.events.values import Files, Frozen, PullRequest


class ThreadStarted(Frozen):
    """What began it: merge, mention, command, schedule; `root_ts` is the mention's own message.

    `urgent_label` is the pull request's label that says that it is urgent, if it has that one.
    """

    type: Literal["thread_started"] = "thread_started"
    thread_id: str
    repo: str
    branch: str
    channel: str
    origin: Literal["merge", "mention", "command", "schedule"]
    sha: str | None = None
    pull_request: PullRequest | None = None
    asked_by: str | None = None
    root_ts: str | None = None
    urgent_label: str = ""
    shadow: bool = False


class HumanSaid(Frozen):
    """A person wrote in the thread or chose an answer; `ts` is the Slack message's, if any."""

    type: Literal["human_said"] = "human_said"
    user: str
    text: str
    ts: str | None = None


class ChangeSeen(Frozen):
    """What the thread's merge is for: the services that its files touch, and their channel.

    `unchecked` says why nobody knows its files; then all services count as touched. `jobs` are
    those that it brings work for, with its files.
    """

    type: Literal["change_seen"] = "change_seen"
    touched: tuple[str, ...]
    channel: str
    unchecked: str = ""
    jobs: Mapping[str, Files] = {}


class StopRequested(Frozen):
    """A person stopped the thread, by word or by button."""

    type: Literal["stop_requested"] = "stop_requested"
    user: str


class Continued(Frozen):
    """A person took up a stopped thread again."""

    type: Literal["continued"] = "continued"
    user: str


class StagingRequested(Frozen):
    """Staging is (again) to be run for a SHA: everything, or only the e2e tests."""

    type: Literal["staging_requested"] = "staging_requested"
    sha: str
    scope: Literal["all", "e2e"]
    user: str | None = None

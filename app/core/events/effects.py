"""What was done to the world, and what was found out about it."""

from collections.abc import Mapping
from typing import Any, Literal

from app.core.events.values import Attempt, FailedBefore, Frozen, Pull
from app.core.instant import Instant


class ToolStarted(Frozen):
    """The one writer that may start this attempt says so, before anything is sent."""

    type: Literal["tool_started"] = "tool_started"
    attempt: Attempt
    call_id: str | None
    fence: int
    locks: tuple[str, ...]
    send_by: Instant


class ToolSent(Frozen):
    """The target took the attempt; `reference` is the target's own name for it."""

    type: Literal["tool_sent"] = "tool_sent"
    attempt_id: str
    reference: str = ""


class ToolProgressed(Frozen):
    """The newest line of a running attempt."""

    type: Literal["tool_progressed"] = "tool_progressed"
    attempt_id: str
    line: str


class CancelRequested(Frozen):
    """The deployer was asked to cancel.

    `possible` is False where it cannot, None where it could not be asked: that is tried again.
    """

    type: Literal["cancel_requested"] = "cancel_requested"
    attempt_id: str
    possible: bool | None


class ToolEnded(Frozen):
    """The outcome of an attempt; `tail` holds at most its last 20 lines.

    `seconds` is how long the target says it took, None where it does not say. `withheld` says that
    the look right before the send refused it; up to 0.2.0 nothing told that from a failure.
    """

    type: Literal["tool_ended"] = "tool_ended"
    attempt_id: str
    outcome: Literal["succeeded", "failed", "cancelled", "unknown"]
    summary: str
    failing_tests: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    seconds: float | None = None
    withheld: bool = False


class OutcomeStated(Frozen):
    """An approver said what came of exactly this action, whose outcome was unknown."""

    type: Literal["outcome_stated"] = "outcome_stated"
    attempt_id: str
    happened: bool
    user: str
    spec_hash: str = ""


class SourceWaited(Frozen):
    """GitHub could not be asked for what has to be known before production changes.

    `tool` is the call that waits for it; empty where an approved action does.
    """

    type: Literal["source_waited"] = "source_waited"
    message: str
    tool: str = ""
    arguments: Mapping[str, Any] = {}
    by: str = ""


class LockWaited(Frozen):
    """A target that the thread needs is locked by another thread, the `holder`.

    `merge` is what that one ships, None if it is no merge's; `message` is "<channel>|<ts>" of it.
    """

    type: Literal["lock_waited"] = "lock_waited"
    target: str
    holder: str
    merge: Pull | None = None
    message: str = ""


class LocksReleased(Frozen):
    """The thread gave these targets back."""

    type: Literal["locks_released"] = "locks_released"
    targets: tuple[str, ...]


class StagingEnded(Frozen):
    """Staging was tested for a SHA, or stopped at a failure; `before` is what its red tests did.

    `by` is a newer merge, which has it, and whose green tests count for it: it was not put there.
    `red_before` are merges that it has in it, and that were red before.
    """

    type: Literal["staging_ended"] = "staging_ended"
    sha: str
    passed: bool
    summary: str
    before: tuple[FailedBefore, ...] = ()
    by: Pull | None = None
    red_before: tuple[Pull, ...] = ()


class StagingOverridden(Frozen):
    """An approver lets staging count as passed for a SHA, though these e2e tests are red."""

    type: Literal["staging_overridden"] = "staging_overridden"
    sha: str
    user: str
    reason: str
    failing_tests: tuple[str, ...] = ()


class VerificationEnded(Frozen):
    """The production e2e tests settled, after their re-run if there was one."""

    type: Literal["verification_ended"] = "verification_ended"
    passed: bool
    versions: Mapping[str, str]
    failing_tests: tuple[str, ...] = ()
    before: tuple[FailedBefore, ...] = ()


class VerificationRequested(Frozen):
    """The production e2e tests are to be run without anything having been deployed."""

    type: Literal["verification_requested"] = "verification_requested"
    call_id: str

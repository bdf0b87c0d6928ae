"""The agent's turns: what it was told, what it answered, what came of that."""

from collections.abc import Mapping
from typing import Any, Literal

from app.core.events.values import Commit, Files, Frozen, Running
from app.core.instant import Instant


class FactsFetched(Frozen):
    """What code knows before the agent's turn: production, the commits since then, other SHAs.

    `changed_last` are the services that a rollback is about where people name none, the last first.
    `jobs` are due: what would go to production has files for them, and they did not run for it.
    """

    type: Literal["facts_fetched"] = "facts_fetched"
    running: tuple[Running, ...] = ()
    commits: tuple[Commit, ...] = ()
    staged: tuple[Commit, ...] = ()
    problems: tuple[str, ...] = ()
    changed_last: tuple[str, ...] = ()
    jobs: Mapping[str, Files] = {}


class ShasResolved(Frozen):
    """What the SHAs in a person's words stand for; `refused` has a sentence for each bad one."""

    type: Literal["shas_resolved"] = "shas_resolved"
    found: tuple[Commit, ...] = ()
    refused: tuple[str, ...] = ()


class ToolProposed(Frozen):
    """The agent's next step as structured output; `by` names the model, planner or person."""

    type: Literal["tool_proposed"] = "tool_proposed"
    call_id: str
    tool: str
    arguments: Mapping[str, Any]
    reason: str = ""
    by: str


class ModelErred(Frozen):
    """The model's answer was no valid tool call; `message` goes back to it."""

    type: Literal["model_erred"] = "model_erred"
    message: str


class ModelDown(Frozen):
    """No model answered; the thread tries again at `retry_at` (milliseconds since the epoch)."""

    type: Literal["model_down"] = "model_down"
    message: str
    retry_at: Instant


class ToolAnswered(Frozen):
    """The result of a tool that only reads; its commits count as known from now on."""

    type: Literal["tool_answered"] = "tool_answered"
    call_id: str
    result: str
    commits: tuple[Commit, ...] = ()


class ToolRefused(Frozen):
    """Code refused the agent's call; the sentence goes back to the model and never on a card."""

    type: Literal["tool_refused"] = "tool_refused"
    call_id: str
    error: str


class WaitStarted(Frozen):
    """The agent waits for an event, at the longest until a time; people's words end it in any case.

    `event` is a topic of `core.awaited`, "" for time alone; `after` is the newest run before.
    `label` and `url` are for people: "#42" and where to look at what is waited for.
    """

    type: Literal["wait_started"] = "wait_started"
    call_id: str
    until: Instant
    reason: str
    event: str = ""
    after: int = 0
    label: str = ""
    url: str = ""


class WaitEnded(Frozen):
    """A wait is over: its time is there, or what was waited for, or a person ended it.

    `told` is what the event came to. "circle": what is waited for waits for this thread.
    """

    type: Literal["wait_ended"] = "wait_ended"
    call_id: str
    because: Literal["time", "event", "person", "circle"] = "time"
    told: str = ""
    url: str = ""
    user: str = ""


class PlanEnded(Frozen):
    """The agent has nothing more to propose."""

    type: Literal["plan_ended"] = "plan_ended"
    call_id: str
    message: str


class RollbackOpened(Frozen):
    """The rollback agent takes over, after red production tests or at a person's request."""

    type: Literal["rollback_opened"] = "rollback_opened"
    user: str | None = None


class BotSaid(Frozen):
    """A sentence of ours in the thread; `choices` become buttons, `quiet` needs no answer.

    `because` says what it is: an answer, a question, a question of code's after too many steps
    or errors ("stuck"), or a note about the thread ("note").
    """

    type: Literal["bot_said"] = "bot_said"
    call_id: str
    text: str
    because: Literal["reply", "question", "stuck", "note"]
    choices: tuple[str, ...] = ()


class PlanKept(Frozen):
    """A person's words change nothing after all: what they held, or put off, goes on as it was."""

    type: Literal["plan_kept"] = "plan_kept"
    user: str


class Ignored(Frozen):
    """The agent let a person's message pass."""

    type: Literal["ignored"] = "ignored"
    call_id: str
    reason: str


class StepFailed(Frozen):
    """A step of ours failed unexpectedly; it is tried again, and the log knows more by the id."""

    type: Literal["step_failed"] = "step_failed"
    error_id: str

"""What a thread can wait for, as a model writes it and as it is stored; looks nothing up.

Stored as a topic: "run/<id>", "workflow/<file>", "thread/<thread id>", "reply/<user>", "" for time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.core.events import WaitStarted
from app.core.ids import is_thread_id

Kind = Literal["run", "workflow", "thread", "pull request", "reply", "time"]

FACT = "waits/"
FORM = (
    'say "workflow run 123", "workflow deploy.yml", "thread acme/shop/0123456789", "#42", '
    '"reply from @U02BOB", "time 15:00", "time tomorrow 9:00", "time 2026-11-30 09:00", or "" '
    "with seconds"
)
_FORMS: tuple[tuple[Kind, str], ...] = (
    ("run", r"(?:workflow )?run #?(\d{1,18})"),
    ("workflow", r"workflow ([\w.-]{1,100}\.ya?ml)"),
    ("thread", r"thread ([\w./-]{1,200})"),
    ("pull request", r"(?:thread |pull request |pr )?#(\d{1,9})"),
    ("reply", r"reply from <?@([\w-]{1,60})>?"),
    (
        "time",
        r"(?:time )?((?:tomorrow |\d{4}-\d{2}-\d{2}[ T])?"
        r"(?:\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m))",
    ),
)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a model wants to wait for; `name` is the id, file, login or time that it wrote."""

    kind: Kind
    name: str


def parse(event: str) -> Awaited | None:
    """Understand what a model wrote, None for time alone; raise `ValueError` with a sentence."""
    words = " ".join(event.split())
    if not words:
        return None
    for kind, form in _FORMS:
        match = re.fullmatch(form, words, re.ASCII | re.IGNORECASE)
        if match:
            return Awaited(kind, match[1])
    raise ValueError(f"{words[:80]!r} is nothing that can be waited for; {FORM}")


def full_thread_id(name: str, repo: str) -> str | None:
    """Return the id of a thread of this repository that a model named, whole or by its end."""
    thread_id = name if "/" in name else f"{repo}/{name}"
    return thread_id if is_thread_id(thread_id, repo) else None


def user_of(wait: WaitStarted) -> str:
    """Return whose words are waited for, "" if nobody's."""
    kind, _, user = wait.event.partition("/")
    return user if kind == "reply" else ""


def thread_of(wait: WaitStarted) -> str:
    """Return the thread that is waited for, "" if none is."""
    kind, _, thread_id = wait.event.partition("/")
    return thread_id if kind == "thread" else ""


def is_by_clock(wait: WaitStarted) -> bool:
    """Tell whether nothing but time, or words in the very thread, can end it."""
    return wait.event == "" or user_of(wait) != ""


def fact_of(thread_id: str, wait: WaitStarted) -> dict[str, str | None]:
    """Return the fact by which others know that a thread waits for something outside it."""
    return {} if is_by_clock(wait) else {f"{FACT}{thread_id}": wait.event}


def waiting_for_run(facts: Mapping[str, str], run_id: int, workflow: str) -> list[str]:
    """Return the threads that wait for a workflow's run; `workflow` is its file."""
    topics = {f"run/{run_id}", f"workflow/{workflow}"}
    return [key.removeprefix(FACT) for key, topic in facts.items() if _waits(key, topic, topics)]


def _waits(key: str, topic: str, topics: set[str]) -> bool:
    return key.startswith(FACT) and topic in topics


def met_by_run(wait: WaitStarted, run_id: int, workflow: str) -> bool:
    """Tell whether a run that ended is one that was waited for: of a workflow, any newer one."""
    if wait.event == f"run/{run_id}":
        return True
    return wait.event == f"workflow/{workflow}" and run_id > wait.after


def plainly(wait: WaitStarted) -> str:
    """Say in plain text what is waited for, "" for time alone; nothing of it is from outside."""
    kind, _, name = wait.event.partition("/")
    match kind:
        case "run":
            return f"workflow run {name}"
        case "workflow":
            return f"the next run of {name}"
        case "thread":
            named = wait.label or f"thread {name.rpartition('/')[2]}"
            return f"{named} to be through"
        case "reply":
            return f"a reply from @{name}"
        case _:
            return ""

"""The status message: what is happening now in each environment, and since when."""

import re
from collections.abc import Mapping

from app.core.config import RepoConfig
from app.core.offered import can_retry
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import ahead, lanes, people
from app.slack.messages.in_production import production_line
from app.slack.messages.locks import lock_line
from app.slack.messages.on_staging import staging_line
from app.slack.messages.staging import retry_buttons
from app.slack.messages.undeployed import undeployed_buttons, undeployed_line

_TIME = re.compile(r" · (?:since )?<!date[^>]*>")

READ_QUIETLY_MS = 10_000


def status_message(state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]) -> Message:
    """Render the message that always shows the current state; `facts` are the repository's."""
    production = production_line(state, repo, now, facts)
    staging = "" if state.joined else staging_line(state, repo, facts)
    lines = [*lanes.status_lines(state), *filter(None, (staging, production))]
    opening = next((locking for locking in state.lockings if locking.opens), None)
    if opening:
        told = lock_line(state, opening, facts, now)
        lines = [told] if state.only_locks else [*lines, told]
    asked = state.undeployed
    if asked:
        told = undeployed_line(state, asked, repo, facts)
        lines = [told, *lines] if state.turn_due or state.says or state.cards else [told]
    parts: list[Block] = []
    if state.origin == "merge":
        parts += [blocks.header(text.line(_title(state), 150)), *_byline(state, repo)]
    if state.fault:
        lines.append(f"⚠️ a step failed unexpectedly, and is tried again (log: {state.fault})")
    if state.newer:
        kinds = ", ".join(text.code(kind, 60) for kind in dict.fromkeys(state.newer[:3]))
        lines.append(
            f"⚠️ {kinds} cannot be read: written by a newer version, or changed by hand. "
            "Nothing more is begun here"
        )
    parts.append(blocks.section("\n".join(lines)))
    offered = ahead.offered_now(state, repo, facts, now)
    parts += ahead.offer(state, offered, repo) if offered else []
    approve = [ahead.approve_button(state, offered)] if offered else []
    if buttons := approve + _buttons(state, repo) or undeployed_buttons(state, facts):
        parts.append(blocks.actions(buttons))
    text_now = _plain(lines[0 if opening or asked else -1])
    return Message(
        text=f"{text.inline(_title(state))}: {text_now}" if state.origin == "merge" else text_now,
        blocks=tuple(parts),
        in_thread=state.origin == "mention",
        passed=_only_answers(state, now) or _left_to_newer(state),
    )


def told_at(state: State) -> int | None:
    """Return when people are told that words are still being read that began a thread (ms)."""
    if state.origin != "mention" or not state.unread:
        return None
    return state.unread[0].at + READ_QUIETLY_MS


def _only_answers(state: State, now: int) -> bool:
    """Tell whether a thread that a person began only ever answered or asked: that is enough."""
    happened = state.cards or state.stagings or state.shipped or state.lockings or state.stopped_by
    goes_on = state.owes_step or state.running or state.wait or state.ask_again or state.model_down
    told = told_at(state)
    is_slow = told is not None and now >= told
    return state.origin == "mention" and not (happened or goes_on or is_slow or _troubled(state))


def _left_to_newer(state: State) -> bool:
    """Tell whether nothing happened here before a newer merge took this one: its card names it."""
    told = state.cards or state.says or state.rides
    happened = state.stagings or told or state.turn_due or _troubled(state)
    return state.joined is not None and not happened


def _troubled(state: State) -> bool:
    return bool(state.fault or state.newer)


def can_stop(state: State) -> bool:
    """Tell whether there is something that a stop would end."""
    if state.stopped_by:
        return False
    staging = state.staging
    staging_open = staging is not None and staging.passed is None
    waits = state.pending or state.approved or state.running or state.wait or state.question
    return bool(staging_open or waits or state.turn_due)


def _title(state: State) -> str:
    deploy = f"{lanes.mark(state)}Deploy {state.sha[:7] if state.sha else state.branch}"
    pull = state.pull_request
    return text.line(f"{deploy} · #{pull.number} {pull.title}" if pull else deploy, 150)


def _byline(state: State, repo: RepoConfig) -> list[Block]:
    pull = state.pull_request
    if pull is None:
        return []
    by = people.by(pull)
    place = f"{text.inline(state.repo, 100)} {text.code(state.branch, 80)}"
    return [
        blocks.context(blocks.mrkdwn(f"{text.link(pull.url, f'#{pull.number}')} {by} · {place}"))
    ]


def _buttons(state: State, repo: RepoConfig) -> list[Block]:
    staging = state.staging
    if staging and can_retry(state, repo, staging):
        return retry_buttons(state, staging)
    return [blocks.button("Stop", "stop", state.thread_id)] if can_stop(state) else []


def _plain(line: str) -> str:
    """Return a line of the status as a notification shows it: no heading, no times."""
    first = _TIME.sub("", line.split("\n")[0])
    return first.replace("*Staging*  ", "staging ").replace("*Production*  ", "production ")

"""The status message: what is happening now in each environment, and since when."""

import re
from collections.abc import Mapping

from app.core import locks, policy
from app.core.config import RepoConfig
from app.core.events import Block as LockOrFreeze
from app.core.records import Card, Run, Staging
from app.core.reminding import quiet_until
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import ahead, lanes, people, rides, runs
from app.slack.messages.locks import lock_line
from app.slack.messages.override import override_line
from app.slack.messages.settled import waiting_for, waiting_line
from app.slack.messages.shown import action
from app.slack.messages.staging import can_retry, last_failed, retry_buttons
from app.slack.messages.undeployed import undeployed_buttons, undeployed_line
from app.slack.messages.waiting import waits

_TIME = re.compile(r" · (?:since )?<!date[^>]*>")


def status_message(state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]) -> Message:
    """Render the message that always shows the current state; `facts` are the repository's."""
    production = _production_line(state, repo, _blocked(state, repo, now, facts), facts)
    staging = "" if state.joined else _staging_line(state, repo, facts)
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
    parts += ahead.offer(offered, repo) if offered else []
    approve = [ahead.approve_button(state, offered)] if offered else []
    if buttons := approve + _buttons(state) or undeployed_buttons(state, facts):
        parts.append(blocks.actions(buttons))
    text_now = _plain(lines[0 if opening or asked else -1])
    return Message(
        text=f"{text.inline(_title(state))}: {text_now}" if state.origin == "merge" else text_now,
        blocks=tuple(parts),
        in_thread=state.origin == "mention",
        passed=_only_answers(state) or _left_to_newer(state),
    )


def _only_answers(state: State) -> bool:
    """Tell whether a thread that a person began only ever answered: its answers are enough."""
    happened = state.cards or state.stagings or state.shipped or state.lockings or state.stopped_by
    return state.origin == "mention" and not (happened or can_stop(state) or _troubled(state))


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


def _buttons(state: State) -> list[Block]:
    staging = state.staging
    if staging and can_retry(state, staging):
        return retry_buttons(state, staging)
    return [blocks.button("Stop", "stop", state.thread_id)] if can_stop(state) else []


# Staging.


def _staging_line(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    staging = state.staging
    if staging is None:
        return ""
    return f"*Staging*  {_staging_now(state, repo, staging, facts)}"


def _staging_now(state: State, repo: RepoConfig, staging: Staging, facts: Mapping[str, str]) -> str:
    if staging.passed is None:
        return _staging_open(state, repo, staging, facts)
    since = text.when(staging.ended_at or staging.started_at)
    if staging.passed:
        untested = "" if repo.staging.e2e else " (no tests configured)"
        return f"✅ passed{untested} · {since}"
    if staging.override:
        return override_line(staging.override)
    if staging.stopped:
        return f"⏹️ stopped · {since}"
    run = last_failed(state, staging)
    names = runs.failing_tests(run.failing_tests) if run else ""
    failing = f"\nFailing: {names}" if names else ""
    return f"❌ failed: {text.inline(staging.summary, 250)} · {since}{failing}"


def _staging_open(
    state: State, repo: RepoConfig, staging: Staging, facts: Mapping[str, str]
) -> str:
    run = state.running
    if state.waits_for_lock:
        return f"⏳ {waiting_for(state.waits_for_lock, facts)}"
    if run is None:
        return f"⏳ starting · since {text.when(staging.started_at)}"
    since = f" · since {text.when(run.started_at)}"
    if run.attempt.service is None:
        return f"🧪 testing{since}"
    done = sum(state.runs[a].attempt.service is not None for a in staging.attempts)
    count = f" ({done} of {len(repo.staging.services)})" if staging.scope == "all" else ""
    return f"🚀 deploying {text.inline(run.attempt.service, 60)}{count}{since}"


# Production and the agent.


def _blocked(
    state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]
) -> LockOrFreeze | None:
    """Return what stands against the card that waits."""
    specs = state.pending.request.specs if state.pending else ()
    found = (policy.blocked_by(repo, spec, facts, now) for spec in specs)
    return next((block for block in found if block), None)


def _production_line(
    state: State, repo: RepoConfig, blocked: LockOrFreeze | None, facts: Mapping[str, str]
) -> str:
    staging = state.staging
    if state.joined and not state.turn_due:
        return rides.status_line(state.joined, repo)
    if waiting := lanes.waiting_line(state, facts):
        return f"*Production*  {waiting}"
    if state.ahead:
        return f"*Production*  {ahead.status_line(state, state.ahead, repo)}"
    if staging and not staging.is_good and not state.shipped:
        return _stopped(state) if state.stopped_by else ""
    return f"*Production*  {_production_now(state, repo, blocked, facts)}{_shipped(state)}"


def _production_now(
    state: State, repo: RepoConfig, blocked: LockOrFreeze | None, facts: Mapping[str, str]
) -> str:
    return (
        _acting(state, facts)
        or _stopped(state)
        or _waiting(state, repo, blocked)
        or _thinking(state, repo, facts)
        or _ended(state)
    )


def _acting(state: State, facts: Mapping[str, str]) -> str:
    run = state.running
    if run and run.attempt.environment == "production":
        stopped = f" · {_stopped(state)}" if state.stopped_by else ""
        return f"{_doing(run)} · since {text.when(run.started_at)}{stopped}"
    if unknown := state.unknown:
        service = text.inline(unknown.attempt.service or "", 60)
        return f"❓ nobody can tell whether {service} was changed: please say so on its card"
    if card := state.approved:
        starting = f"starting to {action(card.request.specs)}"
        return f"⏳ {waiting_line(state, facts) or starting}"
    return ""


def _doing(run: Run) -> str:
    service = text.inline(run.attempt.service or "", 60)
    match run.attempt.kind:
        case "deploy":
            return f"🚀 deploying {service} {text.short(run.attempt.sha)}"
        case "rollback":
            return f"↩️ rolling back {service} to {text.short(run.attempt.sha)}"
        case "job":
            return f"⚙️ running {service} for {text.short(run.attempt.sha)}"
        case "e2e":
            return "🧪 testing"


def _stopped(state: State) -> str:
    if not state.stopped_by:
        return ""
    red = state.verification is not None and state.verification.passed is False
    tested = "❌ tests failed · " if red else ""
    by = text.user(state.stopped_by)
    return f"{tested}⏹️ stopped by {by} · say `continue` to take it up again"


def _waiting(state: State, repo: RepoConfig, blocked: LockOrFreeze | None) -> str:
    if state.pending:
        return _card(state, repo, state.pending, blocked)
    if state.question:
        return f"💬 waiting for words · since {text.when(state.question.at)}"
    return waits(state.wait) if state.wait else ""


def _card(state: State, repo: RepoConfig, card: Card, blocked: LockOrFreeze | None) -> str:
    asked = f"{action(card.request.specs)} · since {text.when(card.at)}"
    if state.held_by:
        if state.unheard and not state.model_down:
            return f"⏸️ {text.user(state.held_by)}'s message was not understood · card: {asked}"
        down = ": the model does not answer" if state.model_down else ""
        return f"⏸️ reading {text.user(state.held_by)}'s message{down} · card: {asked}"
    if card.held_steps:
        return f"✋ on hold until an approver releases it: {asked}"
    if blocked:
        return f"{'🔒' if blocked.user else '❄️'} {_told(blocked, repo)} · card: {asked}"
    if (quiet := quiet_until(state, repo, card)) is not None:
        return f"🌙 waits for working hours, {text.when(quiet)}: {asked}"
    needed = max(step.facts.needed for step in card.steps)
    count = f" ({needed - max(map(card.missing, card.steps))} of {needed})" if needed > 1 else ""
    return f"🔔 waiting for approval{count}: {asked}"


def _told(blocked: LockOrFreeze, repo: RepoConfig) -> str:
    return locks.told(blocked, people.name_of(blocked.user, repo))


def _thinking(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    if state.turn_due or state.ask_again:
        if state.model_down:
            return f"⚠️ the model does not answer · next try {text.when(state.model_down.retry_at)}"
        if state.waits_for_source and not state.unread:
            return f"⏳ {waiting_line(state, facts)}"
        return "🤔 reading" if state.unread else "🤔 thinking"
    if state.plan_ended is not None and state.effects and repo.production.e2e:
        return "🧪 tests are next"
    return ""


def _ended(state: State) -> str:
    check = state.verification
    if check and check.passed is False:
        return "❌ tests failed" + (" after the rollback" if check.after_rollback else "")
    newest = list(state.cards.values())[-1] if state.cards else None
    if newest and newest.status == "expired":
        return f"⌛ approval expired: {action(newest.request.specs)} · ask again on its card"
    if newest and newest.status == "rejected":
        return f"🚫 rejected by {text.user(newest.decided_by)}"
    if state.rolled_back:
        tested = " and tested" if check and check.passed else ""
        return f"↩️ rolled back{tested}"
    if state.shipped:
        tested = " and tested" if check and check.passed else ""
        return f"✅ done{tested}{_since_done(state)}"
    return "✅ nothing under way"


def _since_done(state: State) -> str:
    ends = [say.at for say in state.says if say.because == "done"]
    at = state.verification.at if state.verification else max(ends, default=None)
    return f" · {text.when(at)}" if at else ""


def _shipped(state: State) -> str:
    if not state.shipped:
        return ""
    running = [f"{text.inline(name, 60)} {text.short(sha)}" for name, sha in state.shipped.items()]
    return f"\nChanged here: {', '.join(running)}"


def _plain(line: str) -> str:
    """Return a line of the status as a notification shows it: no heading, no times."""
    first = _TIME.sub("", line.split("\n")[0])
    return first.replace("*Staging*  ", "staging ").replace("*Production*  ", "production ")

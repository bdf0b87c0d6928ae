"""What the status says of production and of the agent: what happens now, or what came of it."""

from collections.abc import Mapping

from app.core import locks, outgoing, policy
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Block as LockOrFreeze
from app.core.offered import is_given_up
from app.core.records import Run
from app.core.reminding import kept_by, quiet_until
from app.core.state import State
from app.slack import text
from app.slack.messages import ahead, lanes, people, rides
from app.slack.messages.missing import done_but, nothing_out
from app.slack.messages.outgoing import CONTINUE, back_line, out_line
from app.slack.messages.settled import waiting_line
from app.slack.messages.shown import action
from app.slack.messages.waiting import waits

RED = "❌ tests failed"


def _blocked(
    state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]
) -> LockOrFreeze | None:
    """Return what stands against the card that waits."""
    specs = state.pending.request.specs if state.pending else ()
    found = (policy.blocked_by(repo, spec, facts, now) for spec in specs)
    return next((block for block in found if block), None)


def production_line(state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]) -> str:
    """Say what happens or happened on production, as the status does."""
    blocked = _blocked(state, repo, now, facts)
    staging = state.staging
    if state.joined and not state.turn_due:
        return rides.status_line(state, state.joined, repo, facts)
    if waiting := lanes.waiting_line(state, facts):
        return f"*Production*  {waiting}{_held_in_line(state)}"
    if state.ahead:
        return f"*Production*  {ahead.status_line(state, state.ahead, repo)}"
    if staging and not staging.is_good and not state.shipped:
        return _stopped(state, repo, facts) or _out(state, repo, facts)
    return f"*Production*  {_production_now(state, repo, blocked, facts)}{_shipped(state)}"


def _held_in_line(state: State) -> str:
    """Say whose words will hold the card of a merge that waits for older ones."""
    doubt = state.in_doubt
    if doubt is None or not state.held_in_line:
        return ""
    by = text.user(doubt.about[0].user)
    return f" · ⏸️ held by {by}'s message, until it is answered or taken back (`never mind`)"


def _production_now(
    state: State, repo: RepoConfig, blocked: LockOrFreeze | None, facts: Mapping[str, str]
) -> str:
    return (
        _though_red(state, _acting(state, repo, facts))
        or _stopped(state, repo, facts)
        or _though_red(
            state, _waiting(state, repo, blocked, facts) or _thinking(state, repo, facts)
        )
        or _ended(state, repo, facts)
    )


def _though_red(state: State, now: str) -> str:
    """Have what happens, or is waited for, not hide that production is red."""
    red = _red(state)
    return f"{red} · {now}" if red and now and not now.startswith(RED) else now


def _red(state: State) -> str:
    """Say that production was red when it was tested last, and what was done since; else ""."""
    if state.red is None:
        return ""
    after = " after the rollback" if state.red.after_rollback else ""
    back = people.all_of([text.inline(name, 60) for name in state.back_since_red])
    return f"{RED}{after}{f' · ↩️ rolled back {back}' if back else ''}"


def _acting(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    run = state.running
    if run and run.attempt.environment == "production":
        stopped = f" · {_stopped(state, repo, facts)}" if state.stopped_by else ""
        return f"{_doing(run)} · since {text.when(run.started_at)}{stopped}"
    if unknown := state.unknown:
        service = text.inline(unknown.attempt.service or "", 60)
        return f"❓ nobody can tell whether {service} was changed: please say so on its card"
    if card := state.approved:
        step = action([card.left[0].spec])
        waits = waiting_line(state, facts)
        return f"⏳ approved: {step} · {waits}" if waits else f"⏳ starting to {step}"
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


def _stopped(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    if not state.stopped_by:
        return ""
    tested, by = _red(state), text.user(state.stopped_by)
    back = f"{line} · {CONTINUE}" if (line := back_line(state, facts)) else CONTINUE
    told = out_line(state, repo, facts) or back
    return f"{tested}{' · ' if tested else ''}⏹️ stopped by {by} · {told}"


def _out(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    out = out_line(state, repo, facts) or back_line(state, facts)
    return f"*Production*  {out}" if out else ""


def _waiting(
    state: State, repo: RepoConfig, blocked: LockOrFreeze | None, facts: Mapping[str, str]
) -> str:
    if state.pending:
        return _card(state, repo, state.pending, blocked)
    if state.question:
        asked = f"💬 waiting for words · since {text.when(state.question.at)}"
        return f"{_ended(state, repo, facts)} · {asked}" if _not_taken_back(state) else asked
    return waits(state.wait) if state.wait else ""


def _card(state: State, repo: RepoConfig, card: Card, blocked: LockOrFreeze | None) -> str:
    asked = f"{action(card.request.specs)} · since {text.when(card.at)}"
    if state.held_by:
        if state.in_doubt and state.unheard and not state.model_down:
            by = text.user(state.held_by)
            return f"⏸️ held by {by}'s message: I asked what it means · card: {asked}"
        if state.unheard and not state.model_down:
            return f"⏸️ {text.user(state.held_by)}'s message was not understood · card: {asked}"
        down = ": the model does not answer" if state.model_down else ""
        return f"⏸️ reading {text.user(state.held_by)}'s message{down} · card: {asked}"
    if card.held_steps:
        return f"✋ on hold until an approver releases it: {asked}"
    if blocked:
        return f"{'🔒' if blocked.user else '❄️'} {_told(blocked, repo)} · card: {asked}"
    if (quiet := quiet_until(state, repo, card)) is not None:
        kept = kept_by(card)
        what = f"the {kept}'s end" if kept else "working hours"
        latest = "at the latest " if kept == "lock" else ""
        return f"🌙 waits for {what}, {latest}{text.when(quiet)}: {asked}"
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


def _ended(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    check, kept = state.verification, _not_taken_back(state)
    tested = " and tested" if check and check.passed else ""
    back = back_line(state, facts)
    if red := _red(state):
        return f"{red}{f' · {back}' if back else ''}{kept}"
    out = out_line(state, repo, facts)
    since = f" · {out}" if out else ""
    if not kept and (undecided := _undecided(state, repo, facts)):
        return undecided
    if state.rolled_back:
        return f"↩️ rolled back{tested}{_since_done(state)}{since}{kept}"
    if back:
        return f"{back}{since}{kept}"
    if state.shipped:
        mark, but, again = done_but(state, repo)
        return f"{mark} done{tested}{but}{_since_done(state)}{again}{kept}"
    return f"✅ {out}" if out else nothing_out(state, repo)


def _undecided(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    """Say that the newest card was not approved; "" where the plan ended with what went out."""
    card = next(reversed(state.cards.values()), None)
    out = out_line(state, repo, facts) or back_line(state, facts)
    expired = card is not None and card.status == "expired" and state.out_at is None
    if card and is_given_up(state, card):
        return "" if state.shipped else f"⌛ given up: {action(card.request.specs)}"
    if card and expired and not outgoing.settled_by(state, card):
        way = out or "ask again on its card"
        return f"⌛ approval expired: {action(card.request.specs)} · {way}"
    if card is None or card.status != "rejected" or (state.shipped and state.plan_ended):
        return ""
    return f"🚫 rejected by {text.user(card.decided_by)}{f' · {out}' if out else ''}"


def _not_taken_back(state: State) -> str:
    """Say that people did not want back what is out: that changed nothing of production."""
    card = next(reversed(state.cards.values()), None)
    if card is None or not card.takes_back or not state.shipped:
        return ""
    if card.status == "rejected":
        return f" · rollback rejected by {text.user(card.decided_by)}"
    if is_given_up(state, card):
        return " · ⌛ rollback given up"
    expired = card.status == "expired"
    return " · ⌛ rollback not approved in time: ask again on its card" if expired else ""


def _since_done(state: State) -> str:
    ends = [say.at for say in state.says if say.because == "done"]
    at = state.verification.at if state.verification else max(ends, default=None)
    return f" · {text.when(at)}" if at else ""


def _shipped(state: State) -> str:
    if not state.shipped:
        return ""
    running = [f"{text.inline(name, 60)} {text.short(sha)}" for name, sha in state.shipped.items()]
    return f"\nChanged here: {', '.join(running)}"

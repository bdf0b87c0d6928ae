"""An approval card while it waits for people; how it ends is in settled.py."""

from collections.abc import Mapping, Sequence

from app.core import approvers, glass, locks, refusals
from app.core.config import RepoConfig
from app.core.events import Block as LockOrFreeze
from app.core.events import CardFacts, Commit
from app.core.records import Card
from app.core.spec import ActionSpec
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import people, runs
from app.slack.messages.approvers import called, may_approve
from app.slack.messages.glass import glass_button
from app.slack.messages.settled import settled_card
from app.slack.messages.shown import action, exact

MAX_COMMITS = 10


def card_message(
    state: State, repo: RepoConfig, card: Card, now: int, facts: Mapping[str, str]
) -> Message:
    """Render a card as it stands; `facts` are the repository's."""
    if card.status != "pending":
        return settled_card(state, card, now)
    spec, shown = card.request.spec, card.request.facts
    blocked = locks.on(repo, facts, spec.service, now)
    parts: list[Block] = [
        blocks.header(_title(card)),
        *_quote(card),
        blocks.section(_change(state, spec, shown)),
        *_commits(shown, spec),
        blocks.section(exact(spec)),
        blocks.section(_evidence(card, repo)),
        *_reason(card),
        *_blocked(spec, blocked, repo),
        *_standing(state, card),
        blocks.actions(_buttons(state, card, blocked)),
        blocks.context(blocks.plain("Or answer in this thread in your own words.")),
    ]
    return Message(_notice(spec, shown), tuple(parts))


def _notice(spec: ActionSpec, facts: CardFacts) -> str:
    """Return what a notification shows; it calls those who can approve, if it is time to."""
    what = f"{action(spec)}, {text.short(spec.sha)}"
    if not approvers.approvable(facts):
        return f"Nobody can approve to {action(spec)}"
    if facts.quiet_until is not None:
        return f"{what[0].upper()}{what[1:]}: waits for working hours"
    whom = called(facts)
    return f"{whom}: approve to {what}?" if whom else f"Nobody can approve to {action(spec)} yet"


def _title(card: Card) -> str:
    spec = card.request.spec
    way = "Deploy {} to {}" if spec.kind == "deploy" else "Roll back {} in {}"
    plan = f" · plan {card.request.plan}" if card.request.plan > 1 else ""
    return way.format(text.line(spec.service, 60), spec.environment) + plan


def _quote(card: Card) -> list[Block]:
    if not card.request.quote or card.request.plan < 2:
        return []
    by = blocks.context(blocks.mrkdwn(f"{text.user(card.request.quoted_user)} wrote:"))
    return [by, blocks.context(blocks.plain(f"“{text.line(text.quoted(card.request.quote))}”"))]


def _change(state: State, spec: ActionSpec, facts: CardFacts) -> str:
    compare = f" · {text.link(facts.compare_url, 'compare')}" if facts.compare_url else ""
    change = f"{text.short(spec.production_was)} → {text.short(spec.sha)}{compare}"
    if spec.production_was is None:
        change += "\nNobody knows what production runs now."
    if state.asked_by:
        change += f" · asked for by {text.user(state.asked_by)}"
    pull = facts.pull_request
    if pull is None:
        return change
    by = f"by {text.inline(pull.author, 80)}, merged by {text.inline(pull.merged_by, 80)}"
    link = text.link(pull.url, f"#{pull.number}")
    return f"{change}\n{link} {text.inline(pull.title, 200)} · {by}"


def _commits(facts: CardFacts, spec: ActionSpec) -> list[Block]:
    """List the commits that go in, or that a rollback takes out."""
    if not facts.commits:
        return []
    shown = facts.commits[:MAX_COMMITS]
    total = max(facts.commits_total, len(facts.commits))
    lines = [_commit(commit) for commit in shown]
    if total > len(shown):
        lines.append(f"… and {total - len(shown)} more (cut)")
    way = "taken out" if spec.kind == "rollback" else "going in"
    title = f"{runs.counted(total, 'commit')} {way}:"
    return [blocks.section("\n".join([title, *lines]))]


def _commit(commit: Commit) -> str:
    by = f" · {text.inline(commit.author, 60)}" if commit.author else ""
    return f"{text.short(commit.sha)} {text.inline(commit.title, 120)}{by}"


def _evidence(card: Card, repo: RepoConfig) -> str:
    request, facts = card.request, card.request.facts
    tested = "Staging" if request.spec.kind == "deploy" else "This version"
    rows = [
        f"*{tested}:* {text.inline(facts.staging, 300)}" if facts.staging else "",
        _left_out(facts, request.spec),
        may_approve(facts, request.spec.service, repo),
        _quiet(facts),
        *(f"*Not checked:* {text.inline(fact, 200)}" for fact in facts.unchecked[:5]),
        f"*Expires:* {text.when(request.spec.expires_at)} · run {text.code(request.spec_hash[:8])}",
    ]
    return "\n".join(row for row in rows if row)


def _left_out(facts: CardFacts, spec: ActionSpec) -> str:
    names = [text.inline(name, 60) for name in facts.left_out if name != spec.service]
    return f"*Left out:* {', '.join(names)}: this merge changes nothing of it" if names else ""


def _quiet(facts: CardFacts) -> str:
    """Say that nobody was called, and when that is made up for."""
    if facts.quiet_until is None:
        return ""
    return f"*Working hours* begin {text.when(facts.quiet_until)}; nobody is called before that."


def _reason(card: Card) -> list[Block]:
    words, by = text.line(card.request.reason, 300), text.line(card.proposed_by, 60)
    return [blocks.context(blocks.plain(f"{by}'s words: {words}"))] if words else []


def _blocked(spec: ActionSpec, found: Sequence[LockOrFreeze], repo: RepoConfig) -> list[Block]:
    """Say which lock and which freeze are in force, and what that means for this card."""
    return [
        blocks.section(
            f"{'🔒' if block.user else '❄️'} "
            f"{refusals.against(block, spec.kind, people.name_of(block.user, repo))}"
        )
        for block in found
    ]


def _standing(state: State, card: Card) -> list[Block]:
    """Say what stands between the card and its approval right now."""
    lines: list[str] = []
    hold = card.request.facts.hold
    if hold and card.hold_released_by:
        lines.append(
            f"Hold released by {text.user(card.hold_released_by)}: {text.inline(hold, 250)}"
        )
    elif hold:
        lines.append(
            f"✋ *On hold* {text.inline(hold.removeprefix('on hold '), 250)}. "
            "An approver has to release it first."
        )
    if state.held_by:
        lines.append(_held(state, text.user(state.held_by)))
    lines += [
        f"✅ Approved by {text.user(user)} · {text.when(at)} · "
        f"{number} of {card.request.facts.needed}"
        for number, (user, at) in enumerate(card.approvals, 1)
    ]
    return [blocks.section("\n".join(lines))] if lines else []


def _held(state: State, reader: str) -> str:
    if not state.unheard:
        return f"⏸️ Reading {reader}'s message …"
    why = f"⏸️ I could make nothing of {reader}'s message."
    if state.model_down:
        retry = text.when(state.model_down.retry_at)
        why = f"⏸️ Reading {reader}'s message: the model does not answer, next try {retry}."
    return f"{why} An approver can release the card without it."


def _buttons(state: State, card: Card, blocked: Sequence[LockOrFreeze]) -> list[Block]:
    value, what = (
        f"{state.thread_id}:{card.request.call_id}",
        text.line(action(card.request.spec), 50),
    )
    on_hold = card.request.facts.hold and not card.hold_released_by
    release = on_hold or state.unheard
    made: list[Block] = []
    may = approvers.approvable(card.request.facts)
    if may and release:
        made.append(blocks.button("Release", "release", value, spoken=f"Release: {what}"))
    elif may:
        asked, spoken = _are_you_sure(card), f"Approve: {what}"
        made.append(blocks.button("Approve", "approve", value, "primary", asked, spoken))
    feedback = f"Reject with feedback: {what}"
    made.append(blocks.button("Reject", "reject", value, "danger", spoken=f"Reject: {what}"))
    made.append(
        blocks.button("Reject with feedback", "reject_with_feedback", value, spoken=feedback)
    )
    frozen = any(not block.user for block in blocked) and not any(b.user for b in blocked)
    if not release and glass.may_help(state, card, frozen):
        made.append(glass_button(state, card))
    return made


def _are_you_sure(card: Card) -> Block:
    spec = card.request.spec
    service = text.line(spec.service, 60)
    was = spec.production_was[:7] if spec.production_was else "an unknown version"
    way = "Deploy" if spec.kind == "deploy" else "Roll back"
    goes = f"{service} in {spec.environment} goes from {was} to {spec.sha[:7]}."
    return blocks.confirm(f"{way} {service}?", goes, way, "Not yet")

"""Broken glass: the form that asks why, the announcement in the channel, the morning's review."""

from collections.abc import Mapping

from app.core import glass
from app.core.approvers import to_call
from app.core.cards import Card, Glass
from app.core.config import RepoConfig
from app.core.events import GlassUse, Lift
from app.core.records import Review
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import people
from app.slack.messages.shown import action, change, exact
from app.slack.permalinks import permalink

MARK = "🚨"
SHOWN_USES = 10
LONGEST_REASON = 1000


def glass_button(state: State, card: Card) -> Block:
    """Offer to break the glass for a card."""
    value = f"{state.thread_id}:{card.request.call_id}"
    spoken = f"Break glass: {text.line(action(card.request.specs), 50)}"
    return blocks.button("Break glass", "break_glass", value, "danger", spoken=spoken)


def glass_form(value: str, card: Card, lifts: tuple[Lift, ...]) -> Block:
    """Build the form that asks for the reason; `value` comes back with it."""
    specs = card.request.specs
    means = (
        f"This lifts: {glass.told(lifts)}. It is announced in the channel at once, with your "
        "reason, and another approver reviews it in the morning."
    )
    shown = [
        blocks.section(f"*{_named(action(specs))}* · {change(specs)}"),
        *(blocks.section(exact(spec)) for spec in specs),
        blocks.section(f"{MARK} {means} · run {text.code(card.request.spec_hash[:8])}"),
        blocks.typed("reason", "Why can it not wait?", LONGEST_REASON, glass.SHORTEST_REASON),
    ]
    return blocks.form("break_glass", value, "Break glass", "Break glass", shown)


def glass_line(broken: Glass) -> str:
    """Say in one line that the glass was broken, as it stays on the card."""
    why = text.inline(text.quoted(broken.reason), 250)
    lifted = glass.told(broken.lifts)
    return (
        f"{MARK} glass broken by {text.user(broken.user)} {text.when(broken.at)}: {why} ({lifted})"
    )


def announcement(
    state: State, repo: RepoConfig, card: Card, broken: Glass, facts: Mapping[str, str]
) -> Message:
    """Tell the repository's channel who broke the glass for what, and why."""
    specs = card.request.specs
    by = text.user(broken.user)
    lines = [
        f"{MARK} *Glass broken* by {by} {text.when(broken.at)}: {action(specs)} · {change(specs)}",
        f"*Why:* {text.inline(text.quoted(broken.reason), 1000)}",
        f"*Lifted:* {glass.told(broken.lifts)} · run {text.code(card.request.spec_hash[:8])}",
        f"*Thread:* {_where(state, card, facts)}",
    ]
    said = f"{MARK} Glass broken by {by}: {action(specs)}"
    return Message(
        said, (blocks.section(text.joined(lines)),), in_thread=False, channel=repo.channel
    )


def review_message(state: State, repo: RepoConfig, call_id: str, review: Review) -> Message:
    """List what is to be reviewed, and who has done so."""
    count = len(review.uses)
    times = "once" if count == 1 else f"{count} times"
    title = f"{MARK} The glass was broken {times} since the last review."
    shown = review.uses[:SHOWN_USES]
    lines = [title, *(_use(use, review, repo) for use in shown)]
    if count > len(shown):
        lines.append(f"… and {count - len(shown)} more (cut)")
    parts: list[Block] = [blocks.section(text.joined(lines))]
    if review.open:
        value = f"{state.thread_id}:{call_id}"
        parts.append(blocks.actions([blocks.button("Reviewed", "reviewed", value)]))
        asked = f"{_reviewers(state, review, repo)}: was it right, and what has to change?"
        parts.append(blocks.context(blocks.mrkdwn(asked)))
    return Message(title, tuple(parts), in_thread=False, channel=repo.channel)


def _reviewers(state: State, review: Review, repo: RepoConfig) -> str:
    """Call those whom this thread's cards name, else all approvers; nobody who broke it alone."""
    breakers = {use.user for use in review.open}
    used = [use.call_id for use in review.uses if use.thread_id == state.thread_id]
    cards = [card for call_id, card in state.cards.items() if call_id in used]
    known = [who for card in cards for step in card.steps for who in to_call(step.facts)]
    able = [who for who in known or repo.all_approvers if {who} != breakers]
    named = people.mentions(dict.fromkeys(able))
    return named or "An approver who did not break it"


def _use(use: GlassUse, review: Review, repo: RepoConfig) -> str:
    by = people.name_of(use.user, repo)
    line = (
        f"• {text.inline(use.service, 60)} {text.short(use.sha)} by {by} {text.when(use.at)}: "
        f"{text.inline(text.quoted(use.reason), 300)} · lifted: {glass.told(use.lifts)}"
    )
    if use.name not in review.reviewed:
        return line
    user, at = review.reviewed[use.name]
    return f"{line}\n   ✅ reviewed by {people.name_of(user, repo)} {text.when(at)}"


def _where(state: State, card: Card, facts: Mapping[str, str]) -> str:
    """Name the thread, and lead to the card where Slack's own address is known."""
    pull, shown = state.pull_request, state.slots.get(f"card:{card.request.call_id}")
    address = permalink(facts, "|".join(shown)) if shown else ""
    thread = text.link(address, "the card") if address else text.code(state.thread_id, 120)
    return f"{thread} · {text.link(pull.url, f'#{pull.number}')}" if pull else thread


def _named(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"

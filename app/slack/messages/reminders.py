"""What calls people about a card that nobody decides: its own messages, for edits call nobody."""

from app.core import hours
from app.core.cards import Card, Reminded
from app.core.config import RepoConfig
from app.core.made_anew import again
from app.core.offers import ship_all
from app.core.reminding import first_asked, hours_of, kept_by, reminded
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Message
from app.slack.messages import people
from app.slack.messages.approvers import named as all_who_can
from app.slack.messages.lanes import titled, why_urgent
from app.slack.messages.shown import action

SLOTS = {
    "urgent": "urgent",
    "hotfix": "hotfix",
    "again": "again",
    "reminder": "remind",
    "escalation": "escalate",
}
_CAME = {"": "outside working hours", "freeze": "in a freeze", "lock": "under a lock"}


def slot(card: Card, call: Reminded) -> str:
    """Name the slot of a call."""
    return f"{SLOTS[call.kind]}:{card.request.call_id}"


def call_message(state: State, repo: RepoConfig, card: Card, call: Reminded, now: int) -> Message:
    """Call people about a card; when it is decided, it is not posted.

    Outside working hours it is posted only where an urgent merge waits behind the card.
    """
    if card.status != "pending":
        said = f"{_mentioned(call)} · called {text.when(call.at)} · {card.status} since"
        return Message(said, (blocks.context(blocks.mrkdwn(said)),), passed=True)
    said = _said(state, repo, card, call)
    closed = call.waiting is None and not hours.is_open(hours_of(state, repo, card), now)
    return Message(said, (blocks.section(said),), passed=closed)


def next_posting(state: State, repo: RepoConfig, now: int) -> int | None:
    """Return when a call can be posted that could not be posted in working hours."""
    card = state.pending
    if card is None or all(slot(card, call) in state.slots for call in card.reminded):
        return None
    opens = hours.opens(hours_of(state, repo, card), now)
    return opens if opens > now else None


def _said(state: State, repo: RepoConfig, card: Card, call: Reminded) -> str:
    match call.kind:
        case "urgent":
            return _urgent(state, repo, card, call)
        case "hotfix":
            return _hotfix(state, card, call)
        case "again" | "reminder":
            return _reminder(card, call)
        case "escalation":
            return _escalation(card, call, repo)


def _urgent(state: State, repo: RepoConfig, card: Card, call: Reminded) -> str:
    since, expires = text.when(card.at), text.when(card.expires_at)
    why = why_urgent(state, people.name_of(state.urgent_by, repo, call=False))
    return (
        f"🚨 {_mentioned(call)}: this is urgent{why}: {_what(card)} waits on its card above "
        f"since {since}.{_given(card)}{_held(card)} It expires {expires}."
    )


def _hotfix(state: State, card: Card, call: Reminded) -> str:
    hotfix = titled(call.waiting) if call.waiting else "a hotfix"
    waits = f"🚨 {_mentioned(call)}: {hotfix} is urgent, and waits until the card above is decided"
    way = ship_all(state, state.offer).lower() if state.offer else ""
    asked = f" The card asks whether to {way}." if way else ""
    return f"{waits}: {_what(card)} waits since {text.when(card.at)}.{_given(card)}{asked}"


def _reminder(card: Card, call: Reminded) -> str:
    since, expires = text.when(card.at), text.when(card.expires_at)
    waits = f"waits on its card above since {since}"
    if first_asked(card) == call.at:
        came = _CAME[kept_by(card)]
        waits = f"waits on its card above: it came {came}, {since}"
    told = (_lost(card) if call.kind == "again" else "") + _given(card) + _held(card)
    return f"🔔 {_mentioned(call)}: {_what(card)} {waits}.{told} It expires {expires}."


def _lost(card: Card) -> str:
    who = people.mentions(again(card))
    return f" {who} approved it before it was made anew: please approve again." if who else ""


def _escalation(card: Card, call: Reminded, repo: RepoConfig) -> str:
    expires = text.when(card.expires_at)
    return (
        f"⏫ {_mentioned(call)}: {_what(card)} still waits for approval. "
        f"{_asked(card, repo)}{_given(card)}{_held(card)} It expires {expires}."
    )


def _asked(card: Card, repo: RepoConfig) -> str:
    """Say who was asked, and that being called here is no right to approve."""
    first, reminder = first_asked(card), reminded(card, "reminder")
    if first is None or reminder is None:
        return "Nobody can approve it: its card above says why."
    named = (all_who_can(step.facts, repo) for step in card.steps)
    who, again = "; ".join(dict.fromkeys(named)), text.when(reminder.at)
    when = again if first == reminder.at else f"{text.when(first)} and again {again}"
    return f"I asked {who} {when}; only they can approve it."


def _what(card: Card) -> str:
    return f"{action(card.request.specs)}, {text.short(card.request.spec.sha)},"


def _given(card: Card) -> str:
    if not card.approvals:
        return ""
    needed = max(map(card.needed, card.steps))
    there = needed - max(map(card.missing, card.steps))
    return f" {there} of {needed} approvals are there."


def _held(card: Card) -> str:
    return " It is on hold: release it first, or reject it." if card.held_steps else ""


def _mentioned(call: Reminded) -> str:
    return people.mentions(call.whom)

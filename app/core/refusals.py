"""What stands in the way of a click, as sentences in Slack's markup; "" where nothing does."""

from collections.abc import Mapping
from typing import assert_never

from app.core import lanes, ledger, locks, meanwhile, policy
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Block
from app.core.happened import is_under_way
from app.core.records import Run
from app.core.spec import EffectKind, plan_hash
from app.core.state import State
from app.core.writing import mentions, when

NEWER = (
    "There is something in this thread that I cannot read: a newer version of me wrote it, "
    "or somebody changed it by hand. I begin nothing here until I can."
)
UNKNOWN_CARD = "I do not know this card any more."


def settled(card: Card, anew: bool = False) -> str:
    """Say who or what settled a card, and when; whether there is one in its place."""
    by = mentions([card.decided_by]) if card.decided_by else ""
    at = when(card.decided_at) if card.decided_at is not None else ""
    match card.status:
        case "pending":
            return ""
        case "approved" if card.glass:
            by = mentions([card.glass.user])
            return f"Too late: {by} broke the glass for this already, {when(card.glass.at)}."
        case "approved":
            return f"Too late: {by} approved this already, {at}."
        case "rejected":
            return f"Too late: {by} rejected this already, {at}."
        case "expired":
            why = f" ({card.text})" if card.text else ""
            then = "The new one is in this thread." if anew else "Ask for it again."
            return f"Too late: this card expired {at}{why}. {then}"
        case "stopped":
            return f"Too late: {by} stopped this thread, {at}."
        case "superseded":
            if card.into:
                return f"Too late: {lanes.named(card.into)} ships this one, too, since {at}."
            return f"Too late: {by}'s message changed the plan, {at}. There is a newer card."
        case _:
            assert_never(card.status)


def is_anew(state: State, card: Card) -> bool:
    """Tell whether a card that expired is made anew, or another one waits in its place."""
    return state.pending is not None or state.ask_again == (card.request.call_id, "")


def own_approval(state: State, card: Card, user: str) -> str:
    """Say to who approved a card that it has all it needs; "" to others, and while it has not."""
    mine = [given.at for given in card.approvals if given.user == user]
    if card.status != "approved" or not mine:
        return ""
    if card.is_ahead:
        return "You approved this already; it begins when staging is green."
    if not any(is_under_way(state, card, step) for step in card.steps):
        return f"You approved this already, {when(mine[-1])}."
    waits = state.waits_for_block or state.waits_for_lock or state.waits_for_source
    goes_on = "it begins by itself as soon as it can" if waits else "it is under way"
    return f"You approved this already; {goes_on}."


def stale(state: State, repo: RepoConfig, card: Card) -> str:
    """Say why the card's bytes or rules are no longer those that were shown."""
    if state.newer:
        return NEWER
    if plan_hash(card.request.specs) != card.request.spec_hash:
        return "The stored action is not what this card shows. Reject it and ask again."
    for spec in card.request.specs:
        if spec.thread_id != state.thread_id or spec.channel != state.channel:
            return "This card belongs to another thread."
        if spec.service not in repo.production.targets:
            return f"{spec.service} is no longer configured, so this cannot happen. Reject it."
        if spec.policy_version != repo.policy_version(spec.service):
            return (
                "The rules for approvals have changed since this card was made. Reject it and ask."
            )
    return ""


def held(state: State, card: Card, facts: Mapping[str, str]) -> str:
    """Say whose unread words, or which hold of its target, keep a card from being approved."""
    if state.held_by:
        reader = mentions([state.held_by])
        if state.model_down:
            return (
                f"The model is away, so {reader}'s message is unread. Wait, or *Release* the card."
            )
        if state.unheard and state.in_doubt:
            return (
                f"{reader}'s message may be against this: the card quotes it, and I asked what it "
                "means. Wait for the answer, or *Release* the card."
            )
        if state.unheard:
            return f"I could make nothing of {reader}'s message. Ask them, then *Release* the card."
        return f"I am reading {reader}'s message. Wait for my answer: it may change the plan."
    for spec in card.request.specs:
        bad_sha = policy.hold_on(spec, facts)
        if bad_sha is not None:
            return (
                f"{spec.service} is on hold since {bad_sha[:7] or 'a bad commit'} was rolled back. "
                "An approver has to release it first."
            )
    return ""


def unseen(state: State, card: Card, facts: Mapping[str, str]) -> str:
    """Say that people said something of what a card brings out that it does not show yet, or ""."""
    if card is not state.pending or meanwhile.is_shown(card, meanwhile.news(card, facts)):
        return ""
    return (
        "Somebody has just said no to a merge that goes out with this, or wrote about it: "
        "look at the card once more."
    )


def blocked(repo: RepoConfig, card: Card, facts: Mapping[str, str], now: int) -> str:
    """Say which lock or freeze keeps a card from being approved, and who can end it."""
    for spec in card.request.specs:
        block = policy.blocked_by(repo, spec, facts, now)
        if block:
            return f"{against(block, spec.kind)} Approve it when that is over."
    return ""


def against(block: Block, kind: EffectKind, owner: str = "") -> str:
    """Say what a lock or a freeze means for an action, whether it stands against it or not.

    `owner` names who locked it where that is to call nobody.
    """
    told = locks.told(block, owner)
    if block.user:
        ends = f"Whoever locked it, or an approver, ends that with `unlock {block.service}`."
        return f"{told}\nNothing begins on it meanwhile, also no rollback. {ends}"
    if kind == "rollback":
        return f"{told}\nA freeze does not hold up a rollback."
    return f"{told}\nNothing is deployed in a freeze; a rollback would be possible."


def nothing_to_release(state: State) -> str:
    """Say why a card needs no release by hand."""
    if state.held_by:
        reader = mentions([state.held_by])
        return f"I am reading {reader}'s message. The card is released with my answer."
    return "Nothing holds this card any more."


def occupied(state: State) -> str:
    """Say what runs or waits in the thread, so that nothing else can be begun."""
    if state.running:
        attempt = state.running.attempt
        what = attempt.service or "the e2e tests"
        return f"Wait: {attempt.kind} of {what} is running on {attempt.environment}."
    if state.unknown:
        return f"Say first what became of {state.unknown.attempt.service}: nobody knows."
    if state.pending or state.approved:
        return "Another card waits in this thread. Decide about that one first."
    if state.staging and state.staging.passed is None:
        return "Wait: staging is running."
    return ""


def moved_on(state: State, facts: Mapping[str, str]) -> str:
    """Say that nothing which the thread shipped runs any more: its rollback would be another's."""
    runs = {service: ledger.production(facts, service) for service in state.shipped}
    if any(runs[service] in (None, sha) for service, sha in state.shipped.items()):
        return ""
    now = ", ".join(f"{service} runs {sha[:7]}" for service, sha in runs.items() if sha)
    example = next(iter(runs))
    return (
        f"Production has moved on since this thread: {now}. To go back from there, mention me "
        f"and say `roll back {example}`."
    )


def run_of(state: State, call_id: str) -> Run | None:
    """Return the run that came of a card."""
    return next((run for run in state.runs.values() if call_id and run.call_id == call_id), None)


def known_outcome(state: State, call_id: str) -> str:
    """Say what became of an effect of which nobody has to say it."""
    run = run_of(state, call_id)
    if run is None:
        return "I do not know this effect any more."
    if run.outcome is None:
        return "It is still running: its outcome will show."
    said = f", says {mentions([run.stated_by])}" if run.stated_by else ""
    return f"Its outcome is known: {run.summary or run.outcome}{said}."

"""Who may break the glass for which card, what that lifts, and who reviews it; pure.

It lifts a freeze and the rules about approvers. A person's lock, a hold, unread words, a card that
is stale or expired stand against it as they do against an approval.
"""

from collections.abc import Mapping, Sequence

from app.core import approvers, locks, policy, refusals
from app.core import events as ev
from app.core.cards import Asked, Card
from app.core.clicks import Accepted, Click, Decision, Refused, open_card, unexpired
from app.core.events import Lift
from app.core.policy import Denied
from app.core.spec import ActionSpec
from app.core.state import State
from app.core.writing import mentions

SHORTEST_REASON = 10
NO_REASON = f"Say why it cannot wait, in at least {SHORTEST_REASON} characters."


def break_glass(click: Click) -> Decision:
    """Let exactly the bytes of a card happen past the rules, with the person's reason."""
    lifts = liftable(click)
    if isinstance(lifts, Refused):
        return lifts
    if len(click.text) < SHORTEST_REASON:
        return Refused(NO_REASON)
    broken = ev.GlassBroken(
        call_id=click.call_id,
        spec_hash=click.state.cards[click.call_id].request.spec_hash,
        user=click.user,
        reason=click.text,
        lifts=lifts,
    )
    return Accepted((broken,))


def liftable(click: Click) -> tuple[Lift, ...] | Refused:
    """Return what breaking the glass would lift for a card, or why it cannot be broken."""
    card = _card(click)
    if isinstance(card, Refused):
        return card
    against = _denied(click, card) or _not_to_be_lifted(click, card)
    if against:
        return Refused(against)
    lifts = _lifts(click, card)
    if lifts:
        return lifts
    if card.status == "approved":
        return Refused("Nothing stands against it any more: it starts by itself.")
    return Refused("There is nothing to break: you may approve this yourself, so press *Approve*.")


def may_help(state: State, card: Card, frozen: bool) -> bool:
    """Tell whether to offer it on the card: nobody may approve it, or not before a freeze ends."""
    if card.status == "approved":
        waits = state.waits_for_block
        return card is state.approved and waits is not None and not waits.user and not card.glass
    too_few = any(
        approvers.missing(step.facts) > 0 or not approvers.approvable(step.facts)
        for step in card.steps
    )
    return too_few or (frozen and any(spec.kind != "rollback" for spec in card.request.specs))


def _card(click: Click) -> Card | Refused:
    """Return the card, also one whose approval waits for the end of a freeze."""
    card = click.state.cards.get(click.call_id)
    if card and card.status == "approved" and may_help(click.state, card, frozen=True):
        return unexpired(click, card)
    return open_card(click)


def _denied(click: Click, card: Card) -> str:
    for step in card.steps:
        verdict = policy.may_decide(click.repo, step.name, click.person)
        is_gone = step.name not in click.repo.production.targets
        if isinstance(verdict, Denied) and (is_gone or policy.flaw(click.person)):
            return verdict.reason
    if policy.is_an_approver(click.repo, click.person):
        return ""
    able = click.repo.all_approvers
    named = f" These are: {mentions(able)}." if able else " It has none."
    return f"It takes an approver of {click.repo.name} to break the glass.{named}"


def _not_to_be_lifted(click: Click, card: Card) -> str:
    return (
        refusals.stale(click.state, click.repo, card)
        or refusals.held(click.state, card, click.facts)
        or next(filter(None, (_lock(click, spec) for spec in card.request.specs)), "")
    )


def _lock(click: Click, spec: ActionSpec) -> str:
    standing = locks.on(click.repo, click.facts, spec.service, click.now)
    lock = next((block for block in standing if block.user), None)
    return f"{refusals.against(lock, spec.kind)} Broken glass ends no lock." if lock else ""


def _lifts(click: Click, card: Card) -> tuple[Lift, ...]:
    """Return what has to be lifted for one of the steps at least."""
    found = {lift for step in card.steps for lift in _lifts_of(click, Asked(card, step))}
    return tuple(lift for lift in _WORDS if lift in found)


def _lifts_of(click: Click, asked: Asked) -> list[Lift]:
    card, step = asked
    block = policy.blocked_by(click.repo, step.spec, click.facts, click.now)
    lifts: list[Lift] = ["freeze"] if block else []
    if card.status == "approved":
        return lifts
    if not policy.is_approver(click.repo, step.name, click.person):
        lifts.append("approvers")
    given = {approval.user for approval in card.approvals_of(step)}
    if len({*given, click.user}) < step.facts.needed:
        lifts.append("approvals_needed")
    own = policy.barred(click.repo, click.state, step)
    if click.user in own and not click.repo.allow_self_approval:
        lifts.append("self_approval")
    return lifts


# The review.


def reviewed(click: Click) -> Decision:
    """Have an approver say that the uses of others were looked at."""
    review = click.state.reviews.get(click.call_id)
    if review is None:
        return Refused("I do not know this review any more.")
    if not policy.is_an_approver(click.repo, click.person):
        return Refused(f"It takes an approver of {click.repo.name} to review this.")
    if not review.open:
        return Refused(f"{mentions(review.reviewers)} reviewed this already.")
    others = [use.name for use in review.open if use.user != click.user]
    if not others:
        return Refused("You broke the glass yourself, so another approver has to review it.")
    seen = ev.GlassReviewed(call_id=click.call_id, uses=tuple(others), user=click.user)
    return Accepted((seen,))


# What was lifted, in words.


def told(lifts: Sequence[Lift]) -> str:
    """Say which rules were lifted."""
    return ", ".join(_WORDS[lift] for lift in lifts)


_WORDS: Mapping[Lift, str] = {
    "freeze": "the freeze",
    "approvers": "approved by no approver of the service",
    "approvals_needed": "fewer approvals than are needed",
    "self_approval": "their own change",
}

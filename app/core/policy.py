"""Who may approve what, and whether an approved action may still happen; asks nobody itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.core import ledger, locks
from app.core.cards import Asked, Card
from app.core.config import RepoConfig
from app.core.events import Block, Lift, PlanStep
from app.core.people import Person
from app.core.spec import ActionSpec, EffectKind, plan_hash
from app.core.state import State
from app.core.writing import mentions, short, utc


@dataclass(frozen=True, slots=True)
class Allowed:
    """The person may; of a card, for the services and jobs that it `covers`."""

    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Denied:
    """The person may not; the sentence says why."""

    reason: str


def may_decide(repo: RepoConfig, service: str, person: Person) -> Allowed | Denied:
    """Tell whether the person is an approver of a service, whatever the card."""
    if wrong := flaw(person):
        return Denied(wrong)
    if service not in repo.production.targets:
        return Denied(f"{service} is no longer configured for {repo.name}, so nobody can decide.")
    approvers = repo.approvers_of(service)
    if not approvers:
        return Denied(f"Nobody can approve {service}: its list of approvers is empty.")
    if is_approver(repo, service, person):
        return Allowed()
    return Denied(f"You are not an approver of {service}. These are: {mentions(approvers)}.")


def is_approver(repo: RepoConfig, service: str, person: Person) -> bool:
    """Tell whether the person is among the approvers of a service that is configured."""
    return not {person.user_id, *person.groups}.isdisjoint(repo.approvers_of(service))


def is_an_approver(repo: RepoConfig, person: Person) -> bool:
    """Tell whether the person may approve for some production service of the repository."""
    listed = not {person.user_id, *person.groups}.isdisjoint(repo.all_approvers)
    return listed and not flaw(person)


def may_approve(repo: RepoConfig, person: Person, state: State, card: Card) -> Allowed | Denied:
    """Tell whether and for which steps the person may approve a card, past approvals considered.

    What is allowed covers every step that this person may approve and that still needs it.
    """
    denied: dict[str, None] = {}
    covers: list[str] = []
    for step in card.steps:
        verdict = _may_approve_step(repo, person, state, Asked(card, step))
        if isinstance(verdict, Denied):
            denied[verdict.reason] = None
        else:
            covers.append(step.name)
    return Allowed(tuple(covers)) if covers else Denied(" ".join(denied))


def _may_approve_step(
    repo: RepoConfig, person: Person, state: State, asked: Asked
) -> Allowed | Denied:
    card, step = asked
    verdict = may_decide(repo, step.name, person)
    if isinstance(verdict, Denied):
        return verdict
    own = frozenset[str]() if repo.allow_self_approval else barred(repo, state, step)
    if person.user_id in own:
        others = [who for who in repo.approvers_of(step.name) if who not in own]
        return Denied(_own_change(others))
    given = {approval.user for approval in card.approvals_of(step)}
    if person.user_id in given:
        return Denied(_given_before(asked, len(given)))
    return Allowed()


def _own_change(others: Sequence[str]) -> str:
    """Say to whose change it is who else may approve it, or how somebody else could."""
    yours = "You wrote, merged or pushed this change"
    if others:
        return f"{yours}, so somebody else has to approve it: {mentions(others)}."
    return (
        f"{yours}, so you cannot approve it, and no other approver is configured: "
        "name one in `deploybot.toml`."
    )


def _given_before(asked: Asked, given: int) -> str:
    """Say to who approved a step before whether it needs anybody else."""
    card, step = asked
    if not card.missing(step):
        return "You approved your part of this already."
    return (
        f"You approved this already; {given} of {card.needed(step)} approvals are there, "
        "the others have to come from other people."
    )


def barred(repo: RepoConfig, state: State, step: PlanStep) -> frozenset[str]:
    """Return the Slack users who may not approve a step because the change is theirs.

    What the card says and what is known now are both counted; logins compare without case.
    """
    facts, shown = step.facts, step.facts.pull_request
    logins = [shown.author, shown.merged_by] if shown else []
    mapped = map(repo.slack_user, (*logins, *facts.barred))
    own = owners(repo, state, step.spec.sha)
    return own | frozenset(facts.barred) | frozenset(user for user in mapped if user)


def owners(repo: RepoConfig, state: State, sha: str) -> frozenset[str]:
    """Return the Slack users whose change a commit is, as far as the thread knows them."""
    logins = [known.author for known in (state.known.get(sha),) if known]
    if pull := state.pull_request:
        logins += [pull.author, pull.merged_by]
    if sha == state.sha:
        logins += [carried.author for carried in state.carried.values()]
    return frozenset(user for user in map(repo.slack_user, logins) if user)


def hold_on(spec: ActionSpec, facts: Mapping[str, str]) -> str | None:
    """Return the bad SHA whose hold stands against an action; a rollback is never held.

    The repository's facts alone count: releasing a hold deletes its fact.
    """
    return None if spec.kind == "rollback" else ledger.hold(facts, spec.service)


def blocked_by(
    repo: RepoConfig,
    spec: ActionSpec,
    facts: Mapping[str, str],
    now: int,
    lifted: Collection[Lift] = (),
) -> Block | None:
    """Return the lock or the freeze that stands against an action now, but for what was lifted.

    A lock is somebody at work on the service, so it stands against a rollback, too; a freeze is
    only a time in which nothing new is to come.
    """
    found = blocks_of(repo, spec.kind, spec.service, facts, now)
    against = (block for block in found if block.user or "freeze" not in lifted)
    return next(against, None)


def blocks_of(
    repo: RepoConfig, kind: EffectKind, service: str, facts: Mapping[str, str], now: int
) -> tuple[Block, ...]:
    """Return the lock and the freeze that stand against an effect of this kind now."""
    found = locks.on(repo, facts, service, now)
    return tuple(block for block in found if block.user or kind != "rollback")


def not_as_shown(card: Card) -> str | None:
    """Say so where a card's stored bytes are no longer those that were shown and approved."""
    approved = {card.request.spec_hash, *(approval.spec_hash for approval in card.approvals)}
    if card.glass:
        approved.add(card.glass.spec_hash)
    if approved == {plan_hash(card.request.specs)}:
        return None
    return "the stored action is not, byte for byte, what was approved"


def last_look(
    asked: Asked,
    production_is: str | None,
    hold: str | None,
    policy_version: str,
    now: int,
) -> str | None:
    """Return why an approved step may not be executed now, or None if it may.

    `hold` is the bad SHA, None where there is none or it was released; `now` is in milliseconds.
    """
    card, spec = asked.card, asked.spec
    if changed := not_as_shown(card):
        return changed
    if card.is_ahead:
        return "it was approved for when staging is green, and staging is not"
    if card.missing(asked.step):
        needed = card.needed(asked.step)
        return f"it has {needed - card.missing(asked.step)} of {needed} approvals"
    if now >= spec.expires_at:
        return f"the approval expired at {utc(spec.expires_at)}"
    if policy_version != spec.policy_version:
        return "the rules for approvals have changed since the card was made"
    if hold is not None:
        return f"{spec.service} is on hold since {short(hold)} was rolled back"
    if production_is != spec.production_was:
        return moved(spec, production_is)
    return None


def moved(spec: ActionSpec, production_is: str | None) -> str:
    """Say that production runs something else than a card was made for."""
    was, is_now = short(spec.production_was), short(production_is)
    return f"production has changed since the card was made: it ran {was} and now runs {is_now}"


def unauthorised(repo: RepoConfig, state: State, asked: Asked) -> str | None:
    """Return why the recorded approvals do not carry a step, or None if they do.

    The rules alone are asked; who somebody is, and the members of a user group, Slack said at the
    click.
    """
    card, step = asked
    approvers = repo.approvers_of(step.name)
    people = {approval.user for approval in card.approvals_of(step)}
    lifted = "approvals_needed" in card.lifted
    needed = 1 if lifted else repo.approvals_needed_for(step.name)
    if len(people) < needed:
        return f"it has {len(people)} of {needed} approvals by different people"
    breaker = {card.glass.user} if card.glass else set[str]()
    if not breaker.issubset(repo.all_approvers) and not _has_groups(repo.all_approvers):
        return "the glass was broken by somebody who may approve nothing here"
    bound = people - breaker if "approvers" in card.lifted else people
    if not _has_groups(approvers) and not bound.issubset(approvers):
        return "one of its approvals is by somebody who may not approve it"
    bound = people - breaker if "self_approval" in card.lifted else people
    if not repo.allow_self_approval and bound & barred(repo, state, step):
        return "one of its approvals is by somebody whose own change it is"
    return None


def _has_groups(approvers: Collection[str]) -> bool:
    """Tell whether user groups are among them, whose members are not known here."""
    return any(name.startswith("S") for name in approvers)


def flaw(person: Person) -> str:
    """Say why this account decides nothing, whatever is configured; "" if it may."""
    if person.is_bot:
        return "Bots cannot decide about production."
    if person.deleted:
        return "This Slack account is deactivated, so it cannot decide about production."
    if person.restricted or person.ultra_restricted:
        return "Guests of this workspace cannot decide about production."
    if person.foreign:
        return "People from other workspaces cannot decide about production."
    return ""

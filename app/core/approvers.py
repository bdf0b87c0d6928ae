"""Who could approve a card when it was made, and whom to call for it; the click asks anew."""

from collections.abc import Collection, Sequence

from app.core.events import Candidate, CardFacts, Why
from app.core.people import Person, Roster, is_group

CALLED = 5


def candidates(roster: Roster, barred: Collection[str]) -> tuple[Candidate, ...]:
    """Say of everybody on the roster whether they may approve a change that is the barred's.

    Who could not be looked up counts as able.
    """
    unseen = (Person(user) for user in roster.unseen)
    known = (_candidate(person, barred) for person in (*roster.people, *unseen))
    return (*known, *(Candidate(user=user, why="unknown") for user in roster.strangers))


def _candidate(person: Person, barred: Collection[str]) -> Candidate:
    why = _why_not(person, barred)
    return Candidate(user=person.user_id, name=person.name, why=why, away=person.away)


def _why_not(person: Person, barred: Collection[str]) -> Why:
    if person.deleted:
        return "deactivated"
    if person.is_bot:
        return "bot"
    if person.foreign:
        return "foreign"
    if person.restricted or person.ultra_restricted:
        return "guest"
    return "own change" if person.user_id in barred else ""


def unchecked(roster: Roster) -> tuple[str, ...]:
    """Say what could not be asked about the approvers; nothing where nobody was to be asked."""
    if not roster.why:
        return ()
    groups = [f"who is in the user group {group}: {roster.why}" for group in roster.unread]
    number = len(roster.unseen)
    unseen = [f"whether {number} of the approvers may approve: {roster.why}"] if number else []
    return (*groups, *unseen)


def able(facts: CardFacts) -> list[Candidate]:
    """Return who can approve, as far as they were looked at; who is away comes last."""
    known = facts.candidates or [
        Candidate(user=user) for user in facts.approvers if not is_group(user)
    ]
    return sorted((each for each in known if not each.why), key=lambda each: each.away)


def could(facts: CardFacts, user: str) -> bool:
    """Tell whether somebody counts as able to approve, as far as they were looked at."""
    known = {each.user: not each.why for each in facts.candidates}
    if user in known:
        return known[user]
    return bool(facts.more or unread(facts)) or user in facts.approvers


def unread(facts: CardFacts) -> list[str]:
    """Return the user groups whose members nobody knows."""
    if facts.candidates or facts.unread or facts.empty or facts.more:
        return list(facts.unread)
    return [group for group in facts.approvers if is_group(group)]


def missing(facts: CardFacts) -> int:
    """Return how many approvals nobody can give, as far as that is known."""
    if facts.more or unread(facts):
        return 0
    return max(0, facts.needed - len(able(facts)))


def approvable(facts: CardFacts) -> bool:
    """Tell whether anybody can approve, or could without a change of the rules."""
    return bool(able(facts) or facts.more or any(map(is_group, facts.approvers)))


def to_call(facts: CardFacts, given: Sequence[str] = ()) -> list[str]:
    """Return whom to mention so that the approvals that are not `given` yet can come.

    That is everybody who can, where they are few and known, else the groups as the rules name them.
    Who is away is left in peace where there are enough others.
    """
    left = [each for each in able(facts) if each.user not in given]
    here = [each for each in left if not each.away]
    enough = len(here) >= max(1, facts.needed - len(given))
    people = [each.user for each in (here if enough else left)]
    groups = [group for group in facts.approvers if is_group(group) and group not in facts.empty]
    if not facts.more and not unread(facts) and (len(people) <= CALLED or not groups):
        return people[:CALLED]
    named = [user for user in people if user in facts.approvers]
    return [*named[:CALLED], *groups]

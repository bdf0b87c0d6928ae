"""Who may approve a card: named, mentioned only where they are called; or why nobody can."""

from collections.abc import Mapping, Sequence

from app.core import approvers
from app.core.approvers import CALLED
from app.core.config import RepoConfig
from app.core.events import Candidate, CardFacts, Why
from app.core.people import is_group
from app.slack import text
from app.slack.messages import people, runs

CAUSES: Mapping[Why, str] = {
    "own change": "{} wrote, merged or pushed it",
    "bot": "{} is a bot",
    "deactivated": "{}'s account is deactivated",
    "guest": "{} is a guest",
    "foreign": "{} belongs to another workspace",
    "unknown": "Slack knows no user {}",
}
MAX_CAUSES = 6


def called(facts: CardFacts, given: Sequence[str] = ()) -> str:
    """Mention those who are called to approve; empty where nobody is."""
    return people.mentions(approvers.to_call(facts, given))


def may_approve(
    facts: CardFacts, service: str, repo: RepoConfig, owner: str = "", calls: Sequence[str] = ()
) -> str:
    """Say who may approve, how many have to, and what is wrong with that if anything is.

    It mentions whom it `calls`; where nobody may, the `owner`, a mention, and nobody else.
    """
    short = _short(facts, service, repo, owner)
    if not approvers.approvable(facts):
        return short
    count = runs.counted(facts.needed, "approval")
    needed = f" · {count} needed" if facts.needed > 1 else ""
    barred = people.all_of([people.name_of(who, repo) for who in facts.barred])
    own = f" · not {barred}: no self-approval" if facts.barred else ""
    who = named(facts, repo, calls)
    line = f"*May approve:* {who}{needed}{own}" if who else ""
    return "\n".join(part for part in (line, short) if part)


def named(facts: CardFacts, repo: RepoConfig, calls: Sequence[str] = ()) -> str:
    """Name those who can approve, a handful and a number; mention who is called, if anybody is."""
    if any(map(is_group, calls)):
        return people.mentions(calls)
    able = approvers.able(facts)
    shown = [_one(each, repo, call=each.user in calls) for each in able[:CALLED]]
    shown += [f"the user group {text.code(group)}" for group in approvers.unread(facts)]
    more = len(able[CALLED:]) + facts.more
    return people.all_of([*shown, *([f"{more} more"] if more else [])])


def _one(each: Candidate, repo: RepoConfig, *, call: bool) -> str:
    who = text.user(each.user) if call else name_of(each, repo)
    return f"{who} (🌴 away)" if each.away else who


def name_of(each: Candidate, repo: RepoConfig) -> str:
    """Name somebody without calling them."""
    if each.name and each.user not in repo.people.values():
        return text.inline(each.name, 80)
    return people.name_of(each.user, repo, call=False)


def _short(facts: CardFacts, service: str, repo: RepoConfig, owner: str) -> str:
    """Say why nobody, or too few people, can approve, and how to mend it."""
    if not approvers.missing(facts):
        return ""
    able, mending = approvers.able(facts), _mending(facts, service, repo)
    if not able:
        what = "*Nobody can approve this:*"
        mending = f"{owner}: {mending[0].lower()}{mending[1:]}" if owner else mending
    else:
        only = people.all_of([name_of(each, repo) for each in able])
        what = f"*{facts.needed} approvals are needed, and only {only} can give one:*"
    return f"⚠️ {what} {_causes(facts, repo)}. {mending}"


def _causes(facts: CardFacts, repo: RepoConfig) -> str:
    if not facts.candidates and not facts.empty:
        if facts.barred and not facts.approvers:
            return "every approver wrote, merged or pushed it"
        return "no others are configured" if facts.approvers else "no approvers are configured"
    found = [CAUSES[each.why].format(name_of(each, repo)) for each in facts.candidates if each.why]
    found += [f"nobody is in the user group {text.user_or_group(g)}" for g in facts.empty]
    shown, more = found[:MAX_CAUSES], len(found[MAX_CAUSES:])
    return "; ".join([*shown, *([f"{more} more may not"] if more else [])]) or "there are no others"


def _mending(facts: CardFacts, service: str, repo: RepoConfig) -> str:
    """Name the key, and the user groups, that somebody else can be added to."""
    target = repo.production.targets.get(service)
    own = target is not None and target.approvers is not None
    place = f"{text.code(service)} of {text.code(repo.name)}" if own else text.code(repo.name)
    keys = f"Name somebody else in `approvers = [...]` for {place} in `deploybot.toml`"
    if facts.needed > 1:
        keys += ", or lower `approvals_needed` there"
    groups = [text.user_or_group(name) for name in facts.approvers if is_group(name)]
    if not groups:
        return f"{keys}, and ask again."
    return f"{keys}, and ask again; or add somebody to {people.all_of(groups)} in Slack."

"""What is merged but not on production, whether to ask about it, and what the answers mean."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.core import events as ev
from app.core import ledger, locks
from app.core.clicks import Accepted, Click, Decision, Refused
from app.core.config import RepoConfig
from app.core.declined import declined
from app.core.ids import thread_id_for
from app.core.lacking import lacking, passed
from app.core.ports import Comparison
from app.core.state import State
from app.core.writing import mentions

FACT = ledger.ASKED
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked last: for which time of the schedule, by which thread, about which commits."""

    slot: int = 0
    thread: str = ""
    shas: tuple[str, ...] = ()

    def as_facts(self, services: Iterable[str]) -> dict[str, str | None]:
        """Return the facts that say so of services."""
        return {f"{FACT}/{service}": self._told() for service in services}

    def as_looked(self) -> dict[str, str | None]:
        """Return the fact that a look at this time is over; what it said of threads stays."""
        return {FACT: self._told()}

    def _told(self) -> str:
        return json.dumps({"slot": self.slot, "thread": self.thread, "shas": self.shas})


def asked(facts: Mapping[str, str], service: str) -> Asked:
    """Return what was asked last about a service; nothing yet is about no commits."""
    return _asked(ledger.asked(facts, service))


def looked(facts: Mapping[str, str]) -> Asked:
    """Return the last look; before each service had its own fact, it said what was asked, too."""
    return _asked(facts.get(FACT))


def _asked(recorded: str | None) -> Asked:
    if recorded is None:
        return Asked()
    told = json.loads(recorded)
    return Asked(told["slot"], told["thread"], tuple(told["shas"]))


def thread_of(repo: str, slot: int, services: Iterable[str]) -> str:
    """Name the thread of a question: the same one, whoever asks."""
    return thread_id_for(repo, FACT, str(slot), min(services))


# Is there something to ask?


def bases(repo: RepoConfig, facts: Mapping[str, str], now: int) -> dict[str, str]:
    """Return what the services run that are free to be deployed and known to run something."""
    free = (s for s in repo.production.services if not locks.on(repo, facts, s, now))
    runs = {service: ledger.production(facts, service) for service in free}
    return {service: sha for service, sha in runs.items() if sha}


def find(
    repo: RepoConfig,
    facts: Mapping[str, str],
    threads: Sequence[State],
    ahead: Mapping[str, Comparison] | None,
    now: int,
) -> list[ev.UndeployedFound]:
    """Return what is worth asking about now, each service in at most one question.

    `threads` are the newest first. `ahead` says for each service what the branch has that it does
    not have; None where nobody can say.
    """
    merges = {state.sha: state for state in threads if state.origin == "merge" and state.sha}
    was = bases(repo, facts, now)
    lack = {s: lacking(repo, s, was[s], merges, ahead[s] if ahead else None) for s in was}
    ready = [sha for sha in merges if _is_ready(sha, merges[sha], lack, facts)]
    found: list[ev.UndeployedFound] = []
    bad = _rolled_back(threads, facts, was)
    for sha in ready:  # what one service lacks must not hide what another one does
        shipped = {s: _from(sha, lacks) for s, lacks in lack.items() if sha in lacks}
        if shipped:
            found.append(_found(sha, shipped, merges, was, bad))
        lack = {s: lacks for s, lacks in lack.items() if s not in shipped}
    return [
        each
        for each in found
        if not _is_known(each, facts) and not _under_way(threads, each, repo, now)
    ]


def _found(
    sha: str,
    shipped: Mapping[str, Sequence[ev.Commit]],
    merges: Mapping[str, State],
    was: Mapping[str, str],
    bad: Collection[str],
) -> ev.UndeployedFound:
    commits = {commit.sha: commit for lacks in shipped.values() for commit in lacks}
    told = tuple(_merged(commit, merges.get(commit.sha), bad) for commit in commits.values())
    return ev.UndeployedFound(sha=sha, merges=told[:SHOWN], was={s: was[s] for s in shipped})


def _rolled_back(
    threads: Sequence[State], facts: Mapping[str, str], services: Iterable[str]
) -> set[str]:
    """Return the commits that were on production, and were taken back."""
    held = {ledger.hold(facts, service) or "" for service in services}
    return held | {sha for state in threads for sha in state.rolled_back.values()}


def _is_known(found: ev.UndeployedFound, facts: Mapping[str, str]) -> bool:
    """Tell whether each of its services was asked about with all of these commits."""
    shas = {merge.sha for merge in found.merges}
    return all(shas <= set(asked(facts, service).shas) for service in found.was)


def _is_ready(
    sha: str,
    merge: State,
    lack: Mapping[str, Mapping[str, ev.Commit]],
    facts: Mapping[str, str],
) -> bool:
    """Tell whether a commit passed staging, and is no bad one of a service that lacks it."""
    lacks = [service for service, commits in lack.items() if sha in commits]
    good = [service for service in lacks if ledger.hold(facts, service) != sha]
    return bool(good) and len(good) == len(lacks) and passed(merge)


def _from(sha: str, lacks: Mapping[str, ev.Commit]) -> list[ev.Commit]:
    """Return the commits that a deploy of one of them brings: it, and the older ones."""
    order = list(lacks)
    return [lacks[older] for older in order[order.index(sha) :]]


def _merged(commit: ev.Commit, merge: State | None, bad: Collection[str]) -> ev.Merged:
    said_no = declined(merge) if merge else None
    how, user = (said_no.how, said_no.user) if said_no else ("", "")
    if commit.sha in bad:
        how, user = "rolled back", ""
    pull = merge.pull_request if merge else None
    if pull is None:
        return ev.Merged(sha=commit.sha, title=commit.title, author=commit.author, how=how)
    return ev.Merged(
        sha=commit.sha,
        title=pull.title,
        author=pull.author,
        number=pull.number,
        url=pull.url,
        how=how,
        user=user,
    )


def each_once(merges: Sequence[ev.Merged]) -> list[ev.Merged]:
    """Return them without a pull request's own commit, which says the same as its merge."""
    pulls = {(merge.title, merge.author) for merge in merges if merge.number}
    return [m for m in merges if m.number or (m.title, m.author) not in pulls]


# Is somebody at it?


def _under_way(
    threads: Sequence[State], found: ev.UndeployedFound, repo: RepoConfig, now: int
) -> bool:
    """Tell whether an open thread is about these commits, or about a newer merge with them."""
    shas, is_newer = {merge.sha for merge in found.merges}, True
    for state in threads:
        brings = (
            is_newer and state.origin == "merge" and not all(map(state.is_untouched, found.was))
        )
        if is_open(state, repo, now) and (brings or not shas.isdisjoint(_about(state))):
            return True
        is_newer = is_newer and state.sha != found.sha
    return False


def _about(state: State) -> set[str]:
    cards = [card for card in (state.pending, state.approved) if card]
    shas = {card.request.spec.sha for card in cards} | {s.sha for s in state.stagings}
    return shas | ({state.sha} if state.sha else set[str]())


def is_open(state: State, repo: RepoConfig, now: int) -> bool:
    """Tell whether a thread goes on by itself, or waits for people who were asked lately."""
    if state.running or state.unknown or state.approved or state.pending or state.newer:
        return True
    if state.stopped_by or state.touches_nothing:
        return False
    staging, question = state.staging, state.question
    lately = now - repo.approval_expires_seconds * 1000
    asks = question is not None and question.at > lately
    tests = staging is not None and staging.passed is None
    return bool(asks or tests or state.turn_due or state.wait or state.ask_again)


# What became of the question?


def over(state: State, facts: Mapping[str, str]) -> str:
    """Say why a question needs no answer any more; "" while it does."""
    found, answer = state.undeployed, state.undeployed_answer
    if found is None:
        return "I do not know this question any more."
    if answer:
        by = mentions([answer.user])
        again = "I ask again when something new is merged."
        return f"{by} asked for the deploy." if answer.deploy else f"Not now, says {by}. {again}"
    if state.stopped_by:
        return f"{mentions([state.stopped_by])} stopped this thread."
    services = left(state, found, facts)
    if not services:
        return "A newer question took the place of this one."
    moved = all(ledger.production(facts, s) != found.was[s] for s in services)
    return f"Production of {', '.join(services)} has moved on since then." if moved else ""


def left(state: State, found: ev.UndeployedFound, facts: Mapping[str, str]) -> list[str]:
    """Return the services of a question that no newer one is about."""
    return [s for s in found.was if asked(facts, s).thread == state.thread_id]


def deploy(click: Click) -> Decision:
    """Deploy what was asked about, as if the person had said so; anyone may."""
    state = click.state
    against = over(state, click.facts)
    if against or state.undeployed is None:
        return Refused(against)
    services = " and ".join(left(state, state.undeployed, click.facts))
    words = f"deploy {services} {state.undeployed.sha[:12]}"
    answered = ev.UndeployedAnswered(user=click.user, deploy=True)
    return Accepted((answered, ev.HumanSaid(user=click.user, text=words)))


def not_now(click: Click) -> Decision:
    """Leave it until something new is merged; anyone may."""
    against = over(click.state, click.facts)
    if against:
        return Refused(against)
    return Accepted((ev.UndeployedAnswered(user=click.user, deploy=False),))

"""Answers where a merge is, and what happens in a thread and why, from it and the facts; no I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from app.core import lanes, outgoing, rides
from app.core.answers import Answer
from app.core.config import RepoConfig
from app.core.events import Line
from app.core.happened import place
from app.core.pieces import merge, sha_of, text, thread, time, user
from app.core.records import Elsewhere
from app.core.state import State
from app.core.untrusted import cut
from app.core.what_waits import red_of, told, under_way
from app.core.writing import listed

MAX_WORDS = 200


@dataclass(frozen=True, slots=True)
class Now:
    """What production's services run, and those `with_it`: with the merge in question in that."""

    runs: Mapping[str, str | None]
    with_it: Collection[str] = ()


def where(
    repo: RepoConfig,
    state: State,
    ships: State,
    facts: Mapping[str, str],
    now: int,
    production: Now,
) -> Answer:
    """Say what of a thread is on production, what happens in it, and what it waits for and why.

    `ships` is the thread that ships its merge, which is itself unless a newer one does.
    """
    pull = lanes.merge_of(state)
    title = f"{lanes.named(pull)} {pull.title}".rstrip() if pull else "Here"
    out = _on_production(state, ships, production)
    is_out = bool(ships.shipped or state.went_out or state.taken_back)
    lines = [*_its_ship(repo, state, ships, is_out), *out, *_red_tests(ships)]
    lines += [*_on_staging(state, repo), *under_way(ships), *_waits(repo, ships, facts, now)]
    lines += red_of(repo, state, facts)
    if not lines:
        return Answer(f"{title}: nothing happens, and nothing waits.")
    return Answer(f"{title}:", tuple(lines))


def _on_production(state: State, ships: State, now: Now) -> list[Line]:
    """Say which services got the merge, when, and from where; that none did, too."""
    here = {name: sha for name, sha in ships.shipped.items() if name not in state.taken_back}
    elsewhere = {name: by for name, by in state.went_out.items() if name not in state.shipped}
    lines = [_shipped(ships, service, now) for service in here if service not in elsewhere]
    lines += [_elsewhere(service, by) for service, by in elsewhere.items()]
    lines += [_back(service, by) for service, by in state.taken_back.items()]
    if lanes.merge_of(state):
        lines += _unasked(state, {*here, *elsewhere, *state.taken_back}, now)
    return lines


def _its_ship(repo: RepoConfig, state: State, ships: State, is_out: bool) -> list[Line]:
    """Say which merge is to ship this one, or was; nothing once it did."""
    is_over = lanes.stage_of(ships, repo) is None or not outgoing.left(state, repo)
    if state.joined is None or (is_out and is_over):
        return []
    where = thread(place(ships)) if ships is not state else []
    ended = rides.broken(state)
    verb = "was to ship" if ended else "it ships"
    how = [text(f", which {rides.ended(ended)}")] if ended else []
    return [(text(f"{verb} with "), *merge(state.joined.into), *how, *where)]


def _elsewhere(service: str, other: Elsewhere) -> Line:
    """Say that another thread brought it out, when, and which."""
    has = (text(f"{service} has it on production since "), time(other.at))
    return (*has, *_by(other, ", with"))


def _back(service: str, by: Elsewhere) -> Line:
    """Say that another thread rolled it back, when, and which."""
    took = (text(f"{service} had it on production, and was rolled back "), time(by.at))
    return (*took, *_by(by, " by"))


def _by(other: Elsewhere, verb: str) -> Line:
    """Name the thread that did it, and link to it."""
    if not other.by.number:
        return (text(" by another thread"), *thread(other.message))
    return (text(f"{verb} "), *merge(other.by), *thread(other.message))


def _shipped(ships: State, service: str, now: Now) -> Line:
    """Say when a service got it, and what it runs since."""
    sha = ships.shipped[service]
    is_now = now.runs.get(service, sha)
    if service in ships.rolled_back:
        back = text(f"{service} had it on production, and was rolled back")
        return (back, *_at(ships, service, sha, " "), text(" to "), sha_of(sha))
    if is_now == sha:
        since = _at(ships, service, sha, " since ")
        return (text(f"{service} runs it on production"), *since, text(": "), sha_of(sha))
    got = (text(f"{service} got it on production"), *_at(ships, service, sha, " "))
    has_it = ", which has it" if service in now.with_it else ""
    return (*got, text(", and runs "), sha_of(is_now or ""), text(f" now{has_it}"))


def _at(ships: State, service: str, sha: str, word: str) -> Line:
    """Say when a service got a commit; nothing where that is not known."""
    ended = (
        run.ended_at
        for run in reversed(ships.runs.values())
        if run.is_production_effect
        and (run.attempt.service, run.attempt.sha, run.outcome) == (service, sha, "succeeded")
    )
    at = next(ended, None)
    return (text(word), time(at)) if at is not None else ()


def _unasked(state: State, told: Collection[str], now: Now) -> list[Line]:
    """Say which other services have it, though nobody is known to have brought it there."""
    own = [s for s in now.runs if s not in told and not state.is_untouched(s)]
    there = [service for service in own if now.runs[service] == state.sha]
    newer = [service for service in own if service in now.with_it and service not in there]
    lines: list[Line] = []
    if there:
        by = text(f"{listed(there)} runs it on production; I did not bring it there")
        lines.append((by,))
    if newer:
        run = "run" if len(newer) > 1 else "runs"
        lines.append((text(f"{listed(newer)} {run} a newer commit on production, which has it"),))
    if not lines and not told and state.joined is None:
        lines.append((text("not on production by itself, as far as I know"),))
    return lines


def _red_tests(ships: State) -> list[Line]:
    if ships.red is None:
        return []
    tests = ", ".join(ships.red.failing_tests) or "the tests do not say which"
    back = ships.back_since_red
    since = f"; rolled back since: {listed(back)}" if back else ""
    verb = "were" if back else "are"
    return [(text(f"production tests {verb} red: {cut(tests, MAX_WORDS)}{since}"),)]


def _on_staging(state: State, repo: RepoConfig) -> list[Line]:
    staging = state.staging
    if state.stopped_by and state.went_out and not outgoing.left(state, repo):
        return []
    if state.stopped_by:
        again = text('; "continue" takes it up again')
        return [(text("stopped by "), user(state.stopped_by), again)]
    if staging is None or staging.passed is not None or state.joined:
        return []
    if not staging.attempts:
        return [(text("waits for staging since "), time(staging.started_at))]
    return [(text("on staging since "), time(staging.started_at))]


def _waits(repo: RepoConfig, ships: State, facts: Mapping[str, str], now: int) -> list[Line]:
    """Say what waits, and in whose words a card was asked for."""
    waits, card = told(repo, ships, facts, now), ships.pending
    lines: list[Line] = [tuple(waits)] if waits else []
    if card and card.request.reason:
        said = cut(card.request.reason, MAX_WORDS)
        lines.append((text(f"why, in the words of the {card.proposed_by}: {said}"),))
    return lines

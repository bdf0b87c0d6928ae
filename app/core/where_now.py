"""Answers where a merge is, and what happens in a thread and why, from it and the facts; no I/O."""

from collections.abc import Mapping, Sequence

from app.core import lanes
from app.core.answers import Answer
from app.core.config import RepoConfig
from app.core.events import Line, Running
from app.core.happened import place
from app.core.pieces import merge, sha_of, text, thread, time, user
from app.core.records import Elsewhere
from app.core.state import State
from app.core.untrusted import cut
from app.core.what_waits import red_of, told, under_way
from app.core.writing import listed

MAX_WORDS = 200


def where(
    repo: RepoConfig,
    state: State,
    ships: State,
    facts: Mapping[str, str],
    now: int,
    running: Sequence[Running],
) -> Answer:
    """Say what of a thread is on production, what happens in it, and what it waits for and why.

    `ships` is the thread that ships its merge, which is itself unless a newer one does. `running`
    is what production runs.
    """
    pull = lanes.merge_of(state)
    title = f"{lanes.named(pull)} {pull.title}".rstrip() if pull else "Here"
    lines = [*_on_production(state, ships, running), *_red_tests(ships)]
    lines += [*_on_staging(state), *under_way(ships), *_waits(repo, ships, facts, now)]
    lines += red_of(repo, state, facts)
    if not lines:
        return Answer(f"{title}: nothing happens, and nothing waits.")
    return Answer(f"{title}:", tuple(lines))


def _on_production(state: State, ships: State, running: Sequence[Running]) -> list[Line]:
    """Say which services got the merge, from here or with another one; that none did, too."""
    lines: list[Line] = []
    if state.joined:
        where = thread(place(ships)) if ships is not state else []
        lines.append((text("it ships with "), *merge(state.joined.into), *where))
    is_now = {each.service: each.sha for each in running}
    here = {name: sha for name, sha in ships.shipped.items() if name not in state.taken_back}
    for service, sha in here.items():
        fate = _fate(ships, service, is_now.get(service, sha))
        lines.append((text(f"{service} {fate} "), sha_of(sha)))
    for service, by in state.went_out.items():
        if service not in here:
            lines.append((text(f"{service} has it on production"), *_by(by, ", with")))
    lines += [_back(service, by) for service, by in state.taken_back.items()]
    if not lines and lanes.merge_of(state):
        lines.append(_nowhere(state, is_now))
    return lines


def _back(service: str, by: Elsewhere) -> Line:
    """Say that another thread rolled it back, when, and which."""
    took = (text(f"{service} had it on production, and was rolled back "), time(by.at))
    return (*took, *_by(by, " by"))


def _by(other: Elsewhere, verb: str) -> Line:
    """Name the thread that did it, and link to it."""
    if not other.by.number:
        return (text(" by another thread"), *thread(other.message))
    return (text(f"{verb} "), *merge(other.by), *thread(other.message))


def _fate(ships: State, service: str, is_now: str | None) -> str:
    if service in ships.rolled_back:
        return "had it on production, and was rolled back to"
    if is_now == ships.shipped[service]:
        return "runs it on production:"
    return "got it on production, and runs something else now:"


def _nowhere(state: State, is_now: Mapping[str, str | None]) -> Line:
    there = [service for service, sha in is_now.items() if sha == state.sha]
    if there:
        return (text(f"{', '.join(there)} runs it on production; I did not bring it there"),)
    return (text("not on production by itself, as far as I know"),)


def _red_tests(ships: State) -> list[Line]:
    if ships.red is None:
        return []
    tests = ", ".join(ships.red.failing_tests) or "the tests do not say which"
    back = ships.back_since_red
    since = f"; rolled back since: {listed(back)}" if back else ""
    verb = "were" if back else "are"
    return [(text(f"production tests {verb} red: {cut(tests, MAX_WORDS)}{since}"),)]


def _on_staging(state: State) -> list[Line]:
    staging = state.staging
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

"""Compares what the agent proposed in shadow mode with what people did by hand; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.core.rules.shadow import is_over
from app.core.state import State
from app.core.writing import short

Verdict = Literal["agreed", "partly", "not", "not comparable", "open"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a thread's comparison came to, and each difference in a line."""

    thread_id: str
    verdict: Verdict
    differences: tuple[str, ...] = ()


def compare(state: State, newer: Collection[str], now: int) -> Agreement:
    """Compare one thread; `newer` are the SHAs that were merged after its own."""
    if not is_over(state, now):
        return Agreement(state.thread_id, "open")
    if not state.sightings[0][1]:
        return _not_comparable(state, "no deployer says what production runs")
    if state.turn_due:
        return _not_comparable(state, "the agent did not get to the end")
    did = _deeds(state)
    if any(sha in newer and sha not in dict(state.proposals).values() for sha, _ in did.values()):
        return _not_comparable(state, "people deployed a newer merge with it")
    return _compared(state, did)


def _compared(state: State, did: Mapping[str, tuple[str, int]]) -> Agreement:
    proposed = dict(state.proposals)
    same = [service for service, sha in proposed.items() if did.get(service, ("", 0))[0] == sha]
    lines = [
        *(f"{s}: proposed {short(sha)}, nobody deployed it" for s, sha in _missing(proposed, did)),
        *(f"{s}: not proposed, people deployed {short(sha)}" for s, sha in _extra(proposed, did)),
        *(
            f"{s}: proposed {short(sha)}, people deployed {short(did[s][0])}"
            for s, sha in proposed.items()
            if s in did and s not in same
        ),
        *_order([(service, did[service][1]) for service in same]),
    ]
    verdict: Verdict = "agreed" if not lines else "partly" if same else "not"
    return Agreement(state.thread_id, verdict, tuple(lines))


def _not_comparable(state: State, why: str) -> Agreement:
    return Agreement(state.thread_id, "not comparable", (why,))


def _deeds(state: State) -> dict[str, tuple[str, int]]:
    """Return what each service got by hand, and when that was first seen."""
    before = state.sightings[0][1]
    found: dict[str, tuple[str, int]] = {}
    for at, versions in state.sightings[1:]:
        for service, sha in versions.items():
            known = found.get(service, ("", 0))[0]
            if service in before and sha not in (before[service], known):
                found[service] = (sha, at)
    return found


def _missing(
    proposed: Mapping[str, str], did: Mapping[str, tuple[str, int]]
) -> list[tuple[str, str]]:
    return [(service, sha) for service, sha in proposed.items() if service not in did]


def _extra(
    proposed: Mapping[str, str], did: Mapping[str, tuple[str, int]]
) -> list[tuple[str, str]]:
    return [(service, sha) for service, (sha, _) in did.items() if service not in proposed]


def _order(seen: Sequence[tuple[str, int]]) -> list[str]:
    """Tell of services that were seen in another order; what was seen at once has none."""
    times = [at for _, at in seen]
    if times == sorted(times):
        return []
    by_hand = " then ".join(service for service, _ in sorted(seen, key=lambda item: item[1]))
    return [f"order: proposed {' then '.join(service for service, _ in seen)}, seen {by_hand}"]

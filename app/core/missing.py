"""What a thread was to bring to production and did not, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from app.core import outgoing
from app.core.config import RepoConfig
from app.core.records import Run
from app.core.state import State

How = Literal["failed", "cancelled", "rejected", "expired", "left out"]
IN_VAIN: frozenset[How] = frozenset({"failed", "cancelled", "rejected"})


@dataclass(frozen=True, slots=True)
class Missing:
    """A service or job that did not get the commit; `at` is when that was settled (ms)."""

    name: str
    how: How
    at: int = 0
    user: str = ""
    is_job: bool = False

    @property
    def words(self) -> str:
        """Return what people say to have it tried again."""
        return f"{'run' if self.is_job else 'deploy'} {self.name.replace('_', ' ')}"


def missing(state: State, repo: RepoConfig) -> list[Missing]:
    """Return what was tried in vain, and what a merge touches that has its commit from nowhere."""
    tried = {run.attempt.service: run for run in _tried(state)}
    found: list[Missing] = []
    for name in repo.production.order:
        run = tried.get(name)
        if run and run.outcome in ("failed", "cancelled"):
            at, is_job = run.ended_at or run.started_at, run.attempt.kind == "job"
            found.append(Missing(name, run.outcome, at, is_job=is_job))
        elif run is None and name in _owed(state, repo):
            found.append(_unasked(state, name))
    return found


def _tried(state: State) -> Iterator[Run]:
    """Return what was to bring something out, oldest first."""
    return (
        run
        for run in state.runs.values()
        if run.attempt.kind in ("deploy", "job") and run.is_production_effect
    )


def _owed(state: State, repo: RepoConfig) -> set[str]:
    """Return the services of a merge that have its commit neither from here nor from elsewhere."""
    if state.origin != "merge" or state.sha is None:
        return set()
    return set(outgoing.left(state, repo)) - state.there - state.rolled_back.keys()


def _unasked(state: State, name: str) -> Missing:
    """Say why a service was never tried."""
    asked = (card for card in reversed(state.cards.values()) if not card.takes_back)
    card = next((c for c in asked if name in [step.name for step in c.steps]), None)
    if card is None or card.status not in ("rejected", "expired"):
        return Missing(name, "left out")
    return Missing(name, card.status, card.decided_at or card.at, card.decided_by)

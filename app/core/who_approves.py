"""Answers who can approve the cards that wait, in whichever threads; no I/O."""

from collections.abc import Collection, Sequence

from app.core import asked
from app.core.answers import SHOWN, Answer
from app.core.config import RepoConfig
from app.core.events import Line
from app.core.happened import place
from app.core.pieces import text, thread
from app.core.state import State
from app.core.what_waits import card_of


def told(repo: RepoConfig, threads: Sequence[State], services: Collection[str]) -> Answer:
    """Say of each card about these services who can approve it; `threads` are the newest first."""
    jobs = {name for name, job in repo.production.jobs.items() if job.before in (None, *services)}
    names = {*services, *jobs}
    lines = [line for state in threads if not state.shadow for line in _card(repo, state, names)]
    title = "Waiting for approval:" if lines else "Nothing waits for approval at the moment."
    return Answer(title, tuple(lines[:SHOWN][::-1]), max(0, len(lines) - SHOWN))


def _card(repo: RepoConfig, state: State, names: Collection[str]) -> list[Line]:
    card = state.pending
    if card is None or not any(step.name in names for step in card.steps):
        return []
    who = text(f": {asked.who_may(repo, card)}")
    return [(*card_of(card), who, *thread(place(state)))]

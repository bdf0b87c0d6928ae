"""Which other merges a thread brings to production with its own, as far as it knows them."""

from collections.abc import Sequence

from app.core import lanes
from app.core.events import PlanStep, Pull
from app.core.records import Say
from app.core.state import State


def brought(state: State, steps: Sequence[PlanStep]) -> list[Pull]:
    """Return all other merges that steps bring out, newest first: by commits, or as told.

    So is the merge of their very commit, where this is not its thread; and those that came to ship
    with the thread's own since the card was made.
    """
    deploys = [step for step in steps if step.spec.kind == "deploy"]
    ships = _carried(state, [step for step in deploys if step.spec.sha == state.sha])
    found = [pull for step in deploys for pull in step.facts.others]
    found += [each.pull for step in deploys for each in step.facts.declined]
    merges = {pull.sha: pull for pull in (*ships, *found)}
    return sorted(merges.values(), key=lambda pull: (pull.at, pull.number), reverse=True)


def _carried(state: State, steps: Sequence[PlanStep]) -> list[Pull]:
    """Return the merges that ship with the thread's own.

    Those that production has already are left out, where all commits are known.
    """
    if not steps:
        return []
    _, *carried = lanes.pulls_of(state)
    facts = [step.facts for step in steps]
    if any(each.unchecked or len(each.commits) < each.commits_total for each in facts):
        return carried
    new = {commit.sha for each in facts for commit in each.commits}
    return [pull for pull in carried if pull.sha in new]


def taken_out(step: PlanStep) -> Sequence[Pull]:
    """Return the merges that a step takes out, none unless it is a rollback."""
    return step.facts.others if step.spec.kind == "rollback" else ()


def new_at(state: State, done: Say) -> list[Pull]:
    """Return the other merges that are out when a plan ends, and were not when one did before."""
    before = max((s.at for s in state.says[: done.n] if s.because == "done"), default=-1)
    told = {pull.sha for pull in _out(state, before)}
    return [pull for pull in _out(state, done.at) if pull.sha not in told]


def _out(state: State, at: int) -> list[Pull]:
    return brought(
        state,
        [
            step
            for card in state.cards.values()
            for step in card.steps
            if _succeeded(state, card.attempts.get(step.spec.call_id, ""), at)
        ],
    )


def _succeeded(state: State, attempt_id: str, at: int) -> bool:
    run = state.runs.get(attempt_id)
    return run is not None and run.outcome == "succeeded" and (run.ended_at or 0) <= at

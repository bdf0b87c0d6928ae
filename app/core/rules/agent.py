"""The agent's turn: facts first, then one answer; people are asked where it gets nowhere."""

from app.core import events as ev
from app.core.actions import (
    Action,
    Append,
    AskModel,
    FetchFacts,
    Here,
    Repropose,
    ResolveShas,
    Wait,
)
from app.core.config import RepoConfig
from app.core.state import MAX_ERRORS, MAX_STEPS, State

FACTS_FRESH_MS = 10 * 60 * 1000
NEWER_PAUSE_MS = 30_000


def busy(state: State, repo: RepoConfig) -> bool:
    """Tell whether the agent may only answer: something runs, is unknown, is stopped or staged."""
    staging = state.staging is not None and state.staging.passed is None
    ended = bool(state.effects) and state.plan_ended is not None
    testing = state.verify_requested or (ended and repo.production.e2e is not None)
    running = state.running or state.unknown or state.approved
    return bool(running or state.stopped_by or staging or testing)


def answer_meanwhile(state: State, here: Here) -> Action | None:
    """Answer people while something runs or is waited for."""
    waits = state.waits_for_lock or state.waits_for_source or state.waits_for_block
    waiting = state.running or waits
    return take_turn(state, here) if waiting and state.unread and not state.newer else None


def leave_to_newer(state: State, here: Here) -> Action | None:
    """Begin nothing where an event is not understood; a newer version may run beside this one."""
    return Wait(here.now + NEWER_PAUSE_MS) if state.newer else None


def next_turn(state: State, here: Here) -> int | None:
    """Return when a silent model is asked again."""
    return state.model_down.retry_at if state.model_down and state.turn_due else None


def take_turn(state: State, here: Here) -> Action | None:
    """Let the agent say what is next, once what it has to read is there."""
    if state.ask_again and not busy(state, here.repo) and not state.pending:
        return Repropose(*state.ask_again)
    # What was approved ahead stands where the agent would propose, also while it is held.
    if not state.turn_due or ((busy(state, here.repo) or state.ahead) and not state.unread):
        return None
    if state.model_down and here.now < state.model_down.retry_at:
        return None
    if state.steps >= MAX_STEPS or state.errors >= MAX_ERRORS:
        return None if state.shadow else _stuck(state)  # nobody is asked what is only watched
    if state.unresolved:
        return ResolveShas(tuple(state.unresolved))
    if state.facts is None or here.now - (state.facts_at or 0) > FACTS_FRESH_MS:
        return FetchFacts()
    return AskModel()


def _stuck(state: State) -> Append:
    why = (
        f"I have taken {state.steps} steps since a person last wrote"
        if state.steps >= MAX_STEPS
        else f"I failed {state.errors} times in a row: {state.last_error}"
    )
    text = f"{why}. What should I do?"
    return Append([ev.BotSaid(call_id=f"stuck{state.version}", text=text, because="stuck")])

"""What a thread does next: a list of rules, asked in order; no I/O, no clock."""

from collections.abc import Callable, Mapping

from app.core.actions import Action, Here, Wait
from app.core.config import RepoConfig
from app.core.rules import (
    agent,
    ahead,
    also,
    glass,
    lanes,
    meanwhile,
    outgoing,
    overtaken,
    production,
    reminders,
    renewals,
    rides,
    running,
    shadow,
    staging,
    urgency,
    verification,
    waiting,
)
from app.core.state import State

Rule = Callable[[State, Here], Action | None]
Clock = Callable[[State, Here], int | None]


def decide(state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]) -> Action:
    """Return the one next action of a thread; `facts` are its repository's."""
    here = Here(repo, now, facts)
    for rule in RULES:
        action = rule(state, here)
        if action is not None:
            return action
    times = (clock(state, here) for clock in CLOCKS)
    until = min((time for time in times if time is not None), default=None)
    return waiting.look_for(state, until) or Wait(until)


RULES: tuple[Rule, ...] = (
    running.stop_running,
    lanes.keep_place,
    lanes.tell,
    also.tell_asked,
    lanes.take_riders,
    urgency.pass_on,
    urgency.take,
    rides.tell_riders,
    rides.hear_of_ride,
    outgoing.hear_of_going_out,
    meanwhile.tell_said,
    meanwhile.hear_said,
    agent.answer_meanwhile,
    ahead.expire_ahead,
    ahead.prepare,
    running.observe,
    agent.leave_to_newer,
    glass.ask_for_review,
    shadow.shadow,
    staging.sort,
    lanes.coalesce,
    lanes.rely_on_newer,
    lanes.give_way,
    staging.run_staging,
    lanes.test_next,
    verification.place_holds,
    verification.verify,
    production.release_locks,
    renewals.renew,
    production.expire,
    production.notice_moved,
    overtaken.end_rollback,
    reminders.remind,
    production.execute,
    waiting.end_wait,
    lanes.meet_newer,
    reminders.call_for_hotfix,
    lanes.wait_for_older,
    ahead.take_effect,
    agent.take_turn,
)

# When (ms) a thread that waits has to be looked at, though nothing happens.
CLOCKS: tuple[Clock, ...] = (
    production.next_expiry,
    overtaken.next_look,
    renewals.next_look,
    ahead.next_expiry,
    waiting.next_end,
    reminders.next_reminder,
    agent.next_turn,
    glass.next_review,
    lanes.next_look,
    rides.next_told,
    meanwhile.next_forgotten,
)

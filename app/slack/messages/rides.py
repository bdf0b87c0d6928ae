"""Tells of merges that ship with another one: that they are out, or that it ended without them."""

from collections.abc import Mapping

from app.core import lanes, rides
from app.core.config import RepoConfig
from app.core.events import Pull
from app.core.going_out import new_at
from app.core.records import Joined, Ride, Say
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Message
from app.slack.messages import people
from app.slack.messages.lanes import joined_line, titled
from app.slack.messages.outgoing import shipped_line

_MARKS = {"stopped": "⏹️", "rejected": "🚫", "expired": "⌛", "left out": "⚠️"}


def went_along(state: State, repo: RepoConfig, done: Say) -> list[str]:
    """Name the other merges that are out by the end of a plan, and call their authors once.

    Where some of their services were left out, their own threads call them.
    """
    pulls = new_at(state, done)
    told = state.carried if rides.end(state, repo) else {}
    named = [_named(pull, repo, call=pull.thread_id not in told) for pull in pulls]
    return [f"*Went out with it:* {people.all_of(named)}"] if named else []


def _named(pull: Pull, repo: RepoConfig, *, call: bool) -> str:
    if not pull.author:
        return titled(pull)
    by = people.person(pull.author, repo) if call else text.inline(pull.author, 80)
    return f"{titled(pull)} by {by}"


def status_line(state: State, joined: Joined, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    """Say which merge ships this one, or did, or that it ended without it."""
    if shipped := shipped_line(state, facts):
        return shipped
    ride = joined.ride
    if ride is None or not ride.is_broken:
        return joined_line(joined)
    since = f" · since {text.when(ride.ended_at)}"
    return f"{_end(ride, repo)}{since} · say `continue` to {_goal(ride, 'it')}"


def ride_message(state: State, repo: RepoConfig, ride: Ride, facts: Mapping[str, str]) -> Message:
    """Call the author, once in a thread, and say how to go on; later what became of it."""
    end, number = _end(ride, repo), lanes.named(ride.end.by)
    if ride.goes_on_at is not None:
        said = f"{end} · it goes on since {text.when(ride.goes_on_at)}, and ships this"
    elif state.joined is None or state.joined.ride is not ride:
        said = f"{end} · this was taken up again here"
    elif shipped := shipped_line(state, facts):
        said = f"{end} · {shipped}"
    else:
        called = people.owner(state, repo) if ride.n == 0 else None
        whom = f"{called}: " if called else ""
        said = f"{whom}{end}. Say `continue` here to {_goal(ride, number)}; {_all(ride)}."
        return Message(said, (blocks.section(said),))
    return Message(said, (blocks.context(blocks.mrkdwn(said)),), passed=True)


def _end(ride: Ride, repo: RepoConfig) -> str:
    """Say what became of the other merge, and what of this one did not go out."""
    end = ride.end
    other = f"{_MARKS[end.how]} {titled(end.by)}, which was to ship this, too,"
    names = people.all_of([text.inline(service, 60) for service in end.services])
    if end.how == "left out":
        return f"{other} is done and left out {names}"
    by = f" by {people.name_of(end.user, repo, call=False)}" if end.user else ""
    ended = {
        "stopped": f"was stopped{by}",
        "rejected": f"was rejected{by}",
        "expired": "expired before anybody approved it",
    }[end.how]
    return f"{other} {ended}: {names} did not go out"


def _goal(ride: Ride, other: str) -> str:
    """Say what it comes to when people take this one up here."""
    if ride.end.how == "left out":
        return f"ask for {people.all_of([text.inline(name, 60) for name in ride.end.services])}"
    return f"ship this without {other}"


def _all(ride: Ride) -> str:
    """Say how all go out that were to ship together."""
    there = f"in the thread of {lanes.named(ride.end.by)}"
    named = "both" if ride.end.ships == 2 else f"all {ride.end.ships}"
    return {
        "stopped": f"`continue` {there} ships {named}",
        "rejected": f"what is said {there} is for {named}",
        "expired": f"*Ask again* {there} asks for {named}",
        "left out": f"what is said {there} is for {named}",
    }[ride.end.how]

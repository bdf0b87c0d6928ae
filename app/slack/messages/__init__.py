"""The projection: what every message of a thread looks like now, as one pure function."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from app.core.ahead import offered as offered_ahead
from app.core.config import RepoConfig
from app.core.locks import next_change as next_block
from app.core.reminding import quiet_until
from app.core.state import State
from app.core.unsorted import is_unsorted
from app.slack.blocks import Message
from app.slack.messages import people
from app.slack.messages.card import card_message
from app.slack.messages.glass import announcement, review_message
from app.slack.messages.locks import lock_message, next_end
from app.slack.messages.production_tests import ProductionTests, production_tests
from app.slack.messages.reminders import call_message, next_posting, slot
from app.slack.messages.rides import ride_message
from app.slack.messages.say import say_message, verification
from app.slack.messages.staging import staging_failed, staging_progress
from app.slack.messages.status import status_message, told_at
from app.slack.messages.unknown import unknown_alert

Timed = tuple[int, str, Message]
NO_FACTS: Mapping[str, str] = MappingProxyType({})


def render(
    state: State, repo: RepoConfig, now: int, facts: Mapping[str, str] = NO_FACTS
) -> dict[str, Message]:
    """Return the message of every slot: the status first, then the others as they came up.

    There is none while it is not known whom a merge concerns, and none of one that concerns nobody.
    `facts` are the repository's: locks of its services show in every thread that they stop.
    """
    if state.shadow or is_unsorted(state, repo) or state.touches_nothing:
        return {}  # its channel is not known yet, or it is nothing to anybody
    timed: list[Timed] = []
    for staging in state.stagings:
        if staging.attempts:
            story = staging_progress(state, repo, staging)
            timed.append((staging.started_at, f"progress:staging:{staging.number}", story))
        if (alert := staging_failed(state, repo, staging, facts)) and staging.ended_at is not None:
            timed.append((staging.ended_at, f"alert:staging:{staging.number}", alert))
    timed += _cards(state, repo, now, facts)
    for run in state.runs.values():
        if (alert := unknown_alert(state, repo, run)) and run.ended_at is not None:
            timed.append((run.ended_at, f"alert:unknown:{run.attempt.attempt_id}", alert))
    for tests in _tests_of_their_own(state):
        first = tests.runs[0]
        progress = f"progress:e2e:{first.attempt.attempt_id}"
        whom = people.shippers(state, repo, first.started_at)
        timed.append((first.started_at, progress, tests.message(whom)))
    for say in state.says:
        timed.append((say.at, f"say:{say.n}", say_message(state, repo, say, facts)))
    timed += [(r.at, f"ride:{r.n}", ride_message(state, repo, r, facts)) for r in state.rides]
    timed += _locks(state, facts, now)
    timed += _glass(state, repo, facts)
    timed.sort(key=lambda item: item[0])
    status = status_message(state, repo, now, facts)
    return {"status": status} | {name: message for _, name, message in timed}


def _cards(state: State, repo: RepoConfig, now: int, facts: Mapping[str, str]) -> Iterator[Timed]:
    """Return the messages of the cards, and of who was called about them later."""
    for card in state.cards.values():
        yield card.at, card.slot, card_message(state, repo, card, now, facts)
        for call in card.reminded:
            yield call.at, slot(card, call), call_message(state, repo, card, call, now)


def _locks(state: State, facts: Mapping[str, str], now: int) -> list[Timed]:
    """Return the messages of people's locks; the one that began the thread is in its status."""
    return [
        (locking.at, f"lock:{locking.n}", lock_message(state, locking, facts, now))
        for locking in state.lockings
        if not locking.opens
    ]


def _glass(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> list[Timed]:
    """Return what the channel is told of broken glass, and the reviews of it."""
    told = [
        (card.glass.at, f"glass:{call_id}", announcement(state, repo, card, card.glass, facts))
        for call_id, card in state.cards.items()
        if card.glass
    ]
    asked = [
        (review.at, call_id, review_message(state, repo, call_id, review))
        for call_id, review in state.reviews.items()
    ]
    return [*told, *asked]


def _tests_of_their_own(state: State) -> list[ProductionTests]:
    """Return the verifications that need a message of their own.

    The end of the plan tells how its tests go, and a first red one is run again before anybody has
    to look at it; what people look into is why they stayed red.
    """
    ends = [verification(state, say) for say in state.says if say.because == "done"]
    told = {tests.runs[0].attempt.attempt_id for tests in ends if tests}
    return [
        tests
        for tests in production_tests(state)
        if tests.runs[0].attempt.attempt_id not in told or (tests.settled and not tests.passed)
    ]


def next_change(
    state: State, repo: RepoConfig, now: int, facts: Mapping[str, str] = NO_FACTS
) -> int | None:
    """Return when a message changes by itself.

    An unknown outcome's last button is offered then, or a lock ends, or a freeze begins or ends, or
    working hours begin, or reading words takes long.
    """
    run, card, offered = state.unknown, state.pending, offered_ahead(state)
    steps = card.steps if card else offered.steps if offered else ()
    times = [
        run.send_by if run and run.send_by > now else None,
        *(next_block(repo, facts, step.name, now) for step in steps),
        next_end(state, facts, now),
        next_posting(state, repo, now),
        _next_working(state, repo, now),
        told if (told := told_at(state)) and told > now else None,
    ]
    return min((time for time in times if time is not None), default=None)


def _next_working(state: State, repo: RepoConfig, now: int) -> int | None:
    """Return when a card stops saying that nobody is called."""
    opens = quiet_until(state, repo, state.pending) if state.pending else None
    return opens if opens and opens > now else None


def unfinished(state: State, messages: Mapping[str, Message]) -> list[str]:
    """Return the slots that people wait for, after the status; none if the thread is finished."""
    done = {f"say:{say.n}" for say in state.says if say.because == "done"}
    live = [slot for slot, message in messages.items() if message.is_live and slot not in done]
    return list(dict.fromkeys(["status", *live])) if live else []

"""Merges of the same services: who is tested, who ships whom, who waits for whose card."""

from collections.abc import Sequence

from app.core import events as ev
from app.core import lanes
from app.core.actions import Action, Append, Here, LookAtAdded, LookAtOrder, Start, Wait
from app.core.cards import Card
from app.core.lanes import Merge
from app.core.rules.agent import take_turn
from app.core.rules.staging import STAGING_LOCK, run_staging
from app.core.state import State

YOUNG_MS = 10 * 60 * 1000
GIVE_WAY_MS = 5_000
LOOK_AGAIN_MS = 60_000  # it may come to wait for this very merge, of which nobody tells


def keep_place(state: State, here: Here) -> Append | None:
    """Leave a tested merge its place behind older ones while it is asked what words in it mean."""
    doubt = state.question if state.in_doubt else None
    if doubt is None or doubt.keeps_place or state.to_hold or state.newer:
        return None
    is_tested = lanes.stage_of(state, here.repo) == "tested"  # else it was, until it was asked
    older = (lanes.before if is_tested else lanes.waits_for)(state, here.facts)
    return Append([ev.PlaceKept(call_id=doubt.call_id)]) if older else None


def tell(state: State, here: Here) -> Action | None:
    """Let the other merges know how far this one is, and look anew where that concerns them."""
    if state.newer:
        return None
    stage = lanes.stage_of(state, here.repo)
    fact = lanes.told(state, stage) if stage else None
    name = lanes.key(state.thread_id)
    if here.facts.get(name) == fact:
        return None
    concerned = lanes.mates(state, here.facts) if stage in (None, "tested") else []
    wake = tuple(mate.thread_id for mate in concerned if mate.stage in ("tested", "asked"))
    return Append((), facts={name: fact}, wake=wake)


def take_riders(state: State, here: Here) -> Action | None:
    """Take up which merges ship with this one, as soon as no more can join it.

    A card that waits, and does not list them among its commits, is made anew: whoever approves has
    to see what ships, and may not have written it.
    """
    if state.joined or lanes.stage_of(state, here.repo) == "waiting":
        return None
    pulls, names = lanes.riders(here.facts, state.thread_id)
    if not names:
        return None
    events: list[ev.Event] = [ev.Carried(pulls=tuple(pulls))]
    card = state.pending or state.ahead
    if card and card.request.spec.sha == state.sha and not _lists(card, pulls):
        call_id = card.request.call_id
        ships = " and ".join(lanes.named(pull) for pull in pulls)
        reason = f"{ships} came to ship with it, so it is made anew"
        events.append(ev.ApprovalExpired(call_id=call_id, reason=reason))
        if card is state.pending:
            events.append(ev.AskedAgain(call_id=call_id, user=""))
    return Append(events, facts=dict.fromkeys(names))


def _lists(card: Card, pulls: Sequence[ev.Pull]) -> bool:
    """Tell whether every step of a card was found to bring these merges."""
    brought = ({commit.sha for commit in step.facts.commits} for step in card.steps)
    return all(pull.sha in each for each in brought for pull in pulls)


# The line for staging.


def coalesce(state: State, here: Here) -> Action | None:
    """Leave staging to a newer merge that waits for it, too, and contains this one."""
    if not _is_in_line(state, here) or state.is_urgent:
        return None
    newer = lanes.newest(state, lanes.mates(state, here.facts), "waiting")
    if newer is None:
        return None
    if newer.thread_id not in state.met:
        return _look_at(newer.pull, state, here)
    return Append([ev.Coalesced(into=newer.pull)], expects=_as_seen(newer, here))


def rely_on_newer(state: State, here: Here) -> Action | None:
    """Leave staging to a newer merge that was green there: it ships this one where it can.

    Where it is not for all services of this one, or is done, its tests count for this one.
    """
    newest = lanes.green(here.facts)
    if newest is None or newest.thread_id == state.thread_id or not _began_by_itself(state):
        return None
    if state.staging is None or not _waits_for_staging(state, here):
        return None
    if newest.thread_id not in state.met:
        return _look_at(newest, state, here)
    if state.met[newest.thread_id].relation != "newer":
        return None
    into = None if state.is_urgent else lanes.ships_all(state, newest, here.facts)
    if into:
        seen, wake = _as_seen(into, here), (into.thread_id,)  # it takes riders up at once
        return Append([ev.Coalesced(into=into.pull)], expects=seen, wake=wake)
    tested = f"tested with {lanes.named(newest)} ({newest.sha[:7]}), which has it: green"
    ended = ev.StagingEnded(sha=state.staging.sha, passed=True, summary=tested, by=newest)
    return Append([ended], expects={lanes.GREEN: here.facts[lanes.GREEN]})


def _look_at(newer: ev.Pull, state: State, here: Here) -> LookAtOrder:
    """Look whether a merge contains this one; go on with staging while nobody can say."""
    start = run_staging(state, here)
    return LookAtOrder(newer, start if isinstance(start, Start) else None)


def give_way(state: State, here: Here) -> Action | None:
    """Let an urgent merge begin staging first."""
    if state.is_urgent or not _waits_for_staging(state, here) or not _urgent_waits(here):
        return None
    return take_turn(state, here) if state.unread else Wait(here.now + GIVE_WAY_MS)


def _is_in_line(state: State, here: Here) -> bool:
    in_line = state.waits_for_lock is not None or _urgent_waits(here)
    return _began_by_itself(state) and in_line and _waits_for_staging(state, here)


def _began_by_itself(state: State) -> bool:
    return state.staging is not None and not state.staging.asked_for


def _waits_for_staging(state: State, here: Here) -> bool:
    waiting = lanes.stage_of(state, here.repo) == "waiting"
    return waiting and STAGING_LOCK not in state.locks


def _urgent_waits(here: Here) -> bool:
    return any(m.urgent and m.stage == "waiting" for m in lanes.merges(here.facts))


# One by one.


def test_next(state: State, here: Here) -> Action | None:
    """Test the next merge of those that are red together, or say which one is red first."""
    series, staging = state.series, state.staging
    if series is None or staging is None or staging.passed is None:
        return None
    at = [pull.sha for pull in series.pulls].index(staging.sha)
    if staging.passed and at + 1 < len(series.pulls):
        return Append([ev.StagingRequested(sha=series.pulls[at + 1].sha, scope="all")])
    green = series.pulls[: at + 1] if staging.passed else series.pulls[:at]
    red = lanes.pull_of(state) if staging.passed else series.pulls[at]
    earlier = () if green else staging.red_before
    ended = ev.OneByOneEnded(green=green, red=earlier[0] if earlier else red)
    said = _red_already(state, here, earlier[0], red) if earlier else _first_red(state, green, red)
    return Append([ended, said])


def _red_already(state: State, here: Here, first: ev.Pull, red: ev.Pull) -> ev.BotSaid:
    """Say that the oldest of them has a merge in it that was red before, by itself."""
    by = f" by {first.author}" if first.author else ""
    found = f"{lanes.named(first)}{by} was red before, and {lanes.named(red)}, which has it, is too"
    text = f"{found}: nothing after it is green. What should I do?"
    choices = ("run e2e on staging again", "leave it") if here.repo.staging.e2e else ("leave it",)
    call_id = f"series{state.version}"
    return ev.BotSaid(call_id=call_id, text=text, because="question", choices=choices)


def _first_red(state: State, green: tuple[ev.Pull, ...], red: ev.Pull) -> ev.BotSaid:
    """Say what the tests one by one found, and offer the newest green one."""
    choices: tuple[str, ...] = ()
    found = f"{lanes.named(red)} is red first, and nothing before it is green."
    if green:
        newest = green[-1]
        found = f"{lanes.named(red)} is red first. Green without it: {lanes.named(newest)}."
        choices = (f"deploy {newest.sha[:12]}", "leave it")
    call_id = f"series{state.version}"
    text = f"{found} What should I do?"
    return ev.BotSaid(call_id=call_id, text=text, because="question", choices=choices)


# The line for production.


def meet_newer(state: State, here: Here) -> Action | None:
    """Ask, on the card that waits, about a newer merge that was tested; or leave it to that one."""
    stage = lanes.stage_of(state, here.repo)
    if stage not in ("tested", "asked") or state.unread:
        return None
    mates = lanes.mates(state, here.facts)
    ahead = lanes.newest(state, mates, "asked", "shipping")
    newer = ahead or lanes.newest(state, mates, "tested")
    if newer is None or (here.repo.supersede == "never" and not ahead):
        return None
    if newer.thread_id not in state.met:
        return LookAtOrder(newer.pull)
    if ahead or _has_asked_nobody(state) or _may_go_by_itself(state, newer, here):
        return Append([ev.Superseded(into=newer.pull)], expects=_as_seen(newer, here))
    return _offer(state, newer, here)


def _has_asked_nobody(state: State) -> bool:
    return not state.cards and not state.words


def _may_go_by_itself(state: State, newer: Merge, here: Here) -> bool:
    """Tell whether a merge may be superseded unasked: nobody says no, or the newer one is urgent.

    The urgent card names it, and quotes what people wrote here last.
    """
    card = state.pending
    if newer.urgent and not state.is_urgent:
        return card is None or not card.approvals
    if card is None or not _is_left_alone(state, card):
        return False
    old = here.now >= card.at + YOUNG_MS
    return here.repo.supersede == "newest" and old and not state.is_urgent


def _is_left_alone(state: State, card: Card) -> bool:
    return not state.words and not card.approvals


def _offer(state: State, newer: Merge, here: Here) -> LookAtAdded | None:
    card, carries = state.pending, lanes.carries(newer, here.facts)
    if card is None or _will_be_old(state, card, here) or _was_offered(state, newer, carries):
        return None
    return LookAtAdded(newer.pull, carries)


def _will_be_old(state: State, card: Card, here: Here) -> bool:
    newest = here.repo.supersede == "newest" and not state.is_urgent
    return newest and _is_left_alone(state, card)


def _was_offered(state: State, newer: Merge, carries: int) -> bool:
    """Tell whether people chose already, or are asked about all that the newer merge ships now."""
    kept = bool(state.offers) and state.offers[-1].answer == "keep"
    same = (offer for offer in state.offers if offer.pulls[0].thread_id == newer.thread_id)
    return kept or any(offer.answer or offer.carries >= carries for offer in same)


def next_look(state: State, here: Here) -> int | None:
    """Return when a card is old enough to be superseded unasked."""
    card = state.pending
    if card is None or here.repo.supersede != "newest":
        return None
    old = card.at + YOUNG_MS
    return old if here.now < old else None


def wait_for_older(state: State, here: Here) -> Action | None:
    """Propose nothing while an older merge of the same services is under way to production."""
    if lanes.stage_of(state, here.repo) != "tested" or state.unread:
        return None
    older = lanes.before(state, here.facts)
    strangers = [merge for merge in older if merge.thread_id not in state.met]
    if strangers:
        return LookAtOrder(strangers[0].pull)
    return Wait(here.now + LOOK_AGAIN_MS) if older else None


def _as_seen(merge: Merge, here: Here) -> dict[str, str | None]:
    name = lanes.key(merge.thread_id)
    return {name: here.facts[name]}

"""Answers what waits, for people and for its turn, from threads as they are; no I/O."""

from collections.abc import Mapping, Sequence

from app.core import lanes, overriding, policy
from app.core.answers import SHOWN, Answer
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Block, Line, Piece, WaitStarted
from app.core.happened import approved_by, place
from app.core.offered import can_ask_again, can_retry
from app.core.pieces import broken, merge, sha_of, text, thread, time, user
from app.core.records import Run, Say
from app.core.rules.staging import STAGING_LOCK
from app.core.state import State
from app.core.untrusted import cut

THREADS = 50
STUCK_SHOWN = 3  # red stagings, and expired cards: they stay until somebody cares
IN_LINE_SHOWN = 8
MAX_WORDS = 100
_WAYS = {"deploy": "deploy", "job": "run"}


def waiting(
    repo: RepoConfig, threads: Sequence[State], facts: Mapping[str, str], now: int
) -> Answer:
    """Say what runs on production, and what waits; `threads` are the newest first, told last.

    However much there is, it stays one message: what people decide now is told before what is red
    or expired, of which the newest are told.
    """
    oldest = [state for state in reversed(threads) if not state.shadow]
    runs = [line for state in oldest for line in under_way(state)]
    waits = [line for state in oldest for line in _waits(repo, state, facts, now)]
    red = [line for state in oldest for line in red_of(repo, state, facts)]
    expired = [line for state in oldest for line in _expired(state)]
    ends = [
        *_newest(red, "whose staging is red"),
        *_newest(expired, "whose card expired"),
        *_staging_line(oldest, facts),
    ]
    first = [*runs, *waits]
    shown = first[: SHOWN - len(ends)]
    title = _title(bool(runs), bool(waits or ends))
    return Answer(title, (*shown, *ends), len(first) - len(shown))


def to_read(newest: Sequence[str], facts: Mapping[str, str]) -> list[str]:
    """Return the threads to tell of: the newest, and older ones whose merge is under way."""
    merges = [merge.thread_id for merge in reversed(lanes.merges(facts))]
    older = [thread_id for thread_id in merges if thread_id not in newest]
    return [*newest, *older[:THREADS]]


def _title(runs: bool, waits: bool) -> str:
    if not waits:
        return f"Nothing waits for anybody.{' Under way:' if runs else ''}"
    return "Under way, and waiting:" if runs else "Waiting:"


def _newest(lines: Sequence[Line], what: str) -> list[Line]:
    """Keep the newest of lines, and say of how many more there would be one."""
    older = len(lines) - STUCK_SHOWN
    more: list[Line] = [(text(f"… and {older} older {what}"),)] if older > 0 else []
    return [*lines[-STUCK_SHOWN:], *more]


def whose(state: State) -> list[Piece]:
    """Name a thread by its merge, or by who began it."""
    pull = lanes.merge_of(state)
    if pull:
        return merge(pull)
    asked_by = [text(" of "), user(state.asked_by)] if state.asked_by else []
    return [text("a thread"), *asked_by]


def run_of(run: Run) -> str:
    """Say what of a thread runs."""
    attempt = run.attempt
    if attempt.kind == "e2e":
        return f"whose {attempt.environment} e2e tests run"
    what = "job" if attempt.kind == "job" else f"{attempt.kind} of"
    return f"whose {what} {attempt.service} runs"


def under_way(state: State) -> list[Line]:
    """Say what a thread does to production now, since when and approved by whom."""
    run = state.running
    if run is None or run.attempt.environment != "production":
        return []
    asked = state.asked(run.call_id)
    by = approved_by(asked) if asked else ()
    who = [part for given in by for part in (text(", "), user(given))][1:]
    approved = [text(", approved by "), *who] if who else []
    if asked and asked.card.glass:
        approved += broken(asked.card.glass.user, asked.card.glass.reason)
    told = [*whose(state), text(f", {run_of(run)} since "), time(run.started_at), *approved]
    return [(*told, *thread(place(state)))]


# What waits for people, or for an end.


def _waits(repo: RepoConfig, state: State, facts: Mapping[str, str], now: int) -> list[Line]:
    waits = told(repo, state, facts, now)
    return [(*waits, *thread(place(state)))] if waits else []


def told(repo: RepoConfig, state: State, facts: Mapping[str, str], now: int) -> list[Piece]:
    """Say what of a thread waits, also while words are read in it; nothing if nothing does."""
    card, run = state.pending, state.unknown
    question, wait = state.question or state.question_held, state.wait or state.wait_held
    if card:
        block = _block(repo, card, facts, now)
        against = [text("; "), *_kept(block)] if block else []
        return [*card_of(card), *against, *_doubted(state)]
    if run:
        asks = f"{run.attempt.service}: somebody has to say whether it happened, since "
        return [text(asks), time(run.ended_at or run.started_at)]
    if question:
        asks = [*whose(state), *_asks(state, question), *_behind(state, facts)]
        return [] if only_opened(state) else asks
    if state.approved:
        held = _held_up(state)
        approved = [*what(state.approved), text(" is approved, and waits since ")]
        return [*approved, time(state.waits_since), *held] if held else []
    if wait:
        return [*whose(state), *_sleeps(wait)]
    older = lanes.waits_for(state, facts)
    if older:
        behind = [*whose(state), text(" is tested, and waits until "), *merge(older[0].pull)]
        return [*behind, text(" is out of the way")]
    return []


def _behind(state: State, facts: Mapping[str, str]) -> list[Piece]:
    """Say behind which older merge one keeps its place that words hold."""
    older = lanes.waits_for(state, facts) if state.held_in_line else []
    return [text("; its place is behind "), *merge(older[0].pull)] if older else []


def _doubted(state: State) -> list[Piece]:
    """Say whose words hold a card until it is known what they mean."""
    doubt = state.in_doubt
    if doubt is None:
        return []
    said = doubt.about[0]
    return [text("; held by "), user(said.user), text(f"'s words: {cut(said.text, MAX_WORDS)}")]


def only_opened(state: State) -> bool:
    """Tell whether a person's mention came to nothing yet: it waits for nobody but them."""
    happened = state.cards or state.stagings or state.runs or state.lockings
    return state.origin == "mention" and not happened


def _asks(state: State, question: Say) -> list[Piece]:
    """Say of a question who is asked, since when, and about what: their words, or else itself."""
    before = (said.user for said in reversed(state.words) if said.at <= question.at)
    whom = question.about[-1].user if question.about else next(before, None)
    asked = [text(" waits for an answer"), *([text(" of "), user(whom)] if whom else [])]
    said = question.about[-1].text if question.about else question.text
    quoted = "about" if question.about else "to"
    return [*asked, text(" since "), time(question.at), text(f" {quoted} “{cut(said, MAX_WORDS)}”")]


def card_of(card: Card) -> list[Piece]:
    """Say of a card that it waits, and how many of its approvals it has."""
    slowest = max(card.steps, key=card.missing)
    needed, missing = card.needed(slowest), card.missing(slowest)
    count = f" ({needed - missing} of {needed} approvals)" if needed > 1 else ""
    return [*what(card), text(f" waits for approval{count} since "), time(card.at)]


def what(card: Card) -> list[Piece]:
    """Name what a card asks for."""
    told = [f"{_WAYS.get(s.kind, 'roll back')} {s.service}" for s in card.request.specs]
    return [text(f"{', '.join(told)} "), sha_of(card.request.spec.sha)]


def _sleeps(wait: WaitStarted) -> list[Piece]:
    what = f" for {wait.label}" if wait.label else ""
    why = [text(f" ({cut(wait.reason, MAX_WORDS)})")] if wait.reason else []
    return [text(f" waits{what} until "), time(wait.until), *why]


def _held_up(state: State) -> list[Piece]:
    """Say what an approved action waits for; nothing if it is about to go on."""
    lock, block = state.waits_for_lock, state.waits_for_block
    if lock:
        by = merge(lock.merge) if lock.merge else [text("another thread")]
        return [text(f" for {lock.target}, in use by "), *by]
    if block:
        return [text(": "), *_kept(block)]
    return [text(" for GitHub")] if state.waits_for_source else []


def _block(repo: RepoConfig, card: Card, facts: Mapping[str, str], now: int) -> Block | None:
    specs = card.request.specs
    found = (policy.blocked_by(repo, spec, facts, now, card.lifted) for spec in specs)
    return next((block for block in found if block), None)


def _kept(block: Block) -> list[Piece]:
    """Say which lock or freeze something waits for."""
    by = [text("locked by "), user(block.user)] if block.user else [text("frozen")]
    until = [] if block.until is None else [text(" until "), time(block.until)]
    reason = [text(f" ({cut(block.reason, MAX_WORDS)})")] if block.reason else []
    return [text(f"{block.service} is "), *by, *until, *reason]


# What waits for somebody to care.


def red_of(repo: RepoConfig, state: State, facts: Mapping[str, str]) -> list[Line]:
    """Say of a staging that it is red, and which buttons go on from there."""
    staging = state.staging
    if staging is None or _goes_on_elsewhere(state) or not can_retry(state, repo, staging):
        return []
    ways = "Retry or Override" if overriding.is_offered(state, staging, facts) else "Retry"
    since = time(staging.ended_at or staging.started_at)
    why = text(f" ({cut(staging.summary, MAX_WORDS)}), and waits for {ways}")
    return [(*whose(state), text(": staging is red since "), since, why, *thread(place(state)))]


def _expired(state: State) -> list[Line]:
    """Say of an expired card that it can be asked for again."""
    card = next(reversed(state.cards.values()), None)
    if card is None or _goes_on_elsewhere(state) or not can_ask_again(state, card):
        return []
    expired = [text(": its card expired "), time(card.decided_at or card.at)]
    return [(*what(card), *expired, text("; Ask again renews it"), *thread(place(state)))]


def _goes_on_elsewhere(state: State) -> bool:
    """Tell whether another merge ships this one, or a question about it waits."""
    return state.joined is not None or state.question is not None


# The line for staging.


def _staging_line(oldest: Sequence[State], facts: Mapping[str, str]) -> list[Line]:
    """Say who waits for staging, in the order of the line: the urgent ones first."""
    user_of_it = next((state for state in oldest if STAGING_LOCK in state.locks), None)
    found = [state for state in oldest if _is_in_line(state, user_of_it)]
    if not found:
        return []
    line = sorted(found, key=lambda state: (not state.is_urgent, _since(state)))
    by = [text(", in use by "), *whose(user_of_it)] if user_of_it else []
    places = [piece for n, s in enumerate(line[:IN_LINE_SHOWN], 1) for piece in _place(n, s, facts)]
    more = len(line) - IN_LINE_SHOWN
    rest = [text(f", … and {more} more")] if more > 0 else []
    return [(text("Staging"), *by, text("; in line for it: "), *places[1:], *rest)]


def _is_in_line(state: State, user_of_it: State | None) -> bool:
    staging = state.staging
    if staging is None or staging.passed is not None or STAGING_LOCK in state.locks:
        return False
    is_over = state.joined or state.stopped_by
    return not is_over and bool(user_of_it or state.waits_for_lock)


def _since(state: State) -> int:
    return state.staging.started_at if state.staging else state.started_at


def _place(number: int, state: State, facts: Mapping[str, str]) -> list[Piece]:
    """Name a place in the line, whose it is, and which merges are tested with it."""
    with_it = sorted(lanes.riders(facts, state.thread_id)[0], key=lanes.arrival)
    others = f" with {', '.join(map(lanes.named, with_it[:3]))}" if with_it else ""
    more = f" and {len(with_it) - 3} more" if len(with_it) > 3 else ""
    return [text(", "), text(f"{number}. "), *_short(state), text(f"{others}{more}")]


def _short(state: State) -> list[Piece]:
    """Name a thread in a word, with a link to it."""
    pull, where = lanes.merge_of(state), place(state)
    if pull is None:
        return whose(state)
    kind = "message" if where else "link"
    return [Piece(text=lanes.named(pull), kind=kind, to=where or pull.url)]

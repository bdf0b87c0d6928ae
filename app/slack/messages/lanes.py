"""Merges of the same services in the messages of one: what it ships, waits for, is asked about."""

from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile

from app.core import lanes
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Pull
from app.core.going_out import brought
from app.core.offers import KEEP, WAIT, chosen, ship_all
from app.core.records import Joined, Staging
from app.core.rides import broken
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block
from app.slack.messages import people, runs

URGENT = "🚨 "
MAX_PULLS = 10
FAILED = " · ⚠️ its own deploy failed"


def mark(state: State) -> str:
    """Return what stands before the title of an urgent merge."""
    return URGENT if state.is_urgent else ""


def link(pull: Pull) -> str:
    """Link to a merge's pull request."""
    return text.link(pull.url, lanes.named(pull))


# The status.


def status_lines(state: State) -> list[str]:
    """Say which other merges this one ships, or waits for."""
    lines: list[str] = []
    if state.is_urgent:
        why = why_urgent(state, text.user(state.urgent_by))
        joined = state.joined if not broken(state) else None
        so = f"so is {link(joined.into)}, which ships it" if joined else "it goes before the others"
        lines.append(f"🚨 urgent{why}: {so}")
    if state.carried and not state.joined:
        lines.append(f"*Ships also*  {_numbers(list(lanes.pulls_of(state)[1:]))}")
    return lines


def why_urgent(state: State, by: str) -> str:
    """Say by whose word, or which label, a merge is urgent, and of which one that was said."""
    of = f" of {link(state.urgent_of)}" if state.urgent_of else ""
    if state.urgent_by:
        return f", says {by}{of}"
    return f" by {'the' if of else 'its'} label {text.code(state.urgent_label, 60)}{of}"


def joined_line(joined: Joined) -> str:
    """Say which merge ships this one."""
    named, since = titled(joined.into), f" · since {text.when(joined.at)}"
    if not joined.tested:
        return f"↪️ ships with {named}{since}"
    by = f" as {text.user(joined.user)} chose" if joined.user else ""
    return f"↪️ superseded by the thread of {named}, which ships it, too{by}{since}"


def waiting_line(state: State, facts: Mapping[str, str]) -> str:
    """Say for which older merge a tested one waits; empty if for none."""
    own = facts.get(lanes.key(state.thread_id))
    if own is None or not state.turn_due or state.staging is None or not state.staging.is_good:
        return ""
    older = lanes.before(state, facts)
    if not older:
        return ""
    asked = "its card is decided" if older[0].stage == "asked" else "it is done"
    return f"⏳ tested, and waits until {titled(older[0].pull)} is out of the way: {asked} first"


# The card.


def ships(state: State, repo: RepoConfig, card: Card, *, call: bool = True) -> list[Block]:
    """List every merge that a card ships, and `call` its authors, once in a thread."""
    deploys = [step.spec for step in card.steps if step.spec.kind == "deploy"]
    if not deploys:
        return []
    mine = lanes.merge_of(state) if deploys[0].sha == state.sha else None
    own = [mine] if mine else []
    urgent = [blocks.section(_riding_along(state, card))] if own and state.is_urgent else []
    others = brought(state, card.steps)
    if not others:
        return urgent
    called = _called_before(state, card)
    failed = {each for step in card.steps for each in step.facts.failed}
    rows = _rows([*own, *others], repo, call, called, failed)
    return [*urgent, blocks.section("\n".join(["*Ships:*", *rows]))]


def _called_before(state: State, card: Card) -> set[str]:
    """Return the threads of the merges whose authors an earlier card of the thread called."""
    before = takewhile(
        lambda each: each.request.call_id != card.request.call_id, state.cards.values()
    )
    earlier = [each for each in before if brought(state, each.steps)]
    last = max((each.at for each in earlier), default=0)
    called = {pull.thread_id for each in earlier for pull in brought(state, each.steps)}
    called = {each for each in called if state.carried_since.get(each, 0) <= last}
    return called | ({state.thread_id} if earlier else set())


def _rows(
    pulls: Sequence[Pull],
    repo: RepoConfig,
    call: bool = True,
    called: Collection[str] = (),
    failed: Collection[str] = (),
) -> list[str]:
    rows = [
        f"• {_row(pull, repo, call and pull.thread_id not in called)}"
        f"{FAILED if pull.thread_id in failed else ''}"
        for pull in pulls[:MAX_PULLS]
    ]
    more = list(pulls[MAX_PULLS:])
    return [*rows, f"… and {len(more)} more: {_numbers(more)}"] if more else rows


def _row(pull: Pull, repo: RepoConfig, call: bool) -> str:
    by = people.person(pull.author, repo) if call else text.inline(pull.author, 80)
    return f"{titled(pull)} by {by}"


def _riding_along(state: State, card: Card) -> str:
    """Say which merges go out with an urgent one; whose the other commits are nobody knows."""
    others = brought(state, card.steps)
    if others:
        count = runs.counted(len(others), "other merge")
        return f"🚨 *Urgent.* It takes {count} with it: {_numbers(others)}."
    facts = card.fullest.facts
    if facts.commits_total > 1:
        return "🚨 *Urgent.* No other merge that I know goes out with it: see its commits above."
    if not facts.compared:
        return "🚨 *Urgent.* What else goes out with it was not checked."
    return "🚨 *Urgent.* Nothing else goes out with it."


def offer(state: State, repo: RepoConfig, card: Card) -> list[Block]:
    """Ask what is to become of a card and of a newer merge, or say what somebody chose."""
    if not state.offers:
        return []
    number, newest = len(state.offers) - 1, state.offers[-1]
    added = list(newest.pulls)
    if newest.answer:
        after = {
            "keep": f"{link(added[0])} waits until this is done",
            "wait": "the next merge that is tested is asked about",
        }.get(newest.answer)
        if after is None:  # a card that comes after "both" is for this merge alone
            return []
        chose = f"{text.user(newest.user)} chose {chosen(state, newest)}"
        return [blocks.context(blocks.mrkdwn(f"{chose}: {after}."))]
    asked = f"🆕 *A newer merge was tested:* {link(added[0])}. It adds:"
    value = f"{state.thread_id}:{card.request.call_id}:{number}"
    buttons = [
        blocks.button(ship_all(state, newest), "ship_both", value),
        blocks.button(KEEP, "keep_this", value),
        blocks.button(WAIT, "wait_newer", value),
    ]
    return [blocks.section(text.joined([asked, *_rows(added, repo)])), blocks.actions(buttons)]


# Staging.


def red_together(state: State, repo: RepoConfig, staging: Staging) -> list[Block]:
    """Name the merges in a red staging, and those red before; offer to test them one by one."""
    if staging.sha != state.sha or staging.ended_at is None:
        return []
    since, ended = state.carried_since, staging.ended_at
    pulls = [each for each in lanes.pulls_of(state) if since.get(each.thread_id, 0) <= ended]
    earlier = _rows(staging.red_before, repo)
    rows = ["*In it are:*", *_rows(pulls, repo)] if len(pulls) > 1 else []
    rows += ["*Red before, and in it, too:*", *earlier] if earlier else []
    shown = [blocks.section("\n".join(rows))] if rows else []
    can_test = len(pulls) > 1 and staging is state.staging
    if not can_test or state.stopped_by or state.series:
        return shown
    button = blocks.button("Test one by one", "one_by_one", state.thread_id)
    return [*shown, blocks.actions([button])]


def titled(pull: Pull) -> str:
    return f"{link(pull)} {text.inline(pull.title, 120)}".rstrip()


def _numbers(pulls: list[Pull]) -> str:
    shown = ", ".join(link(pull) for pull in pulls[:20])
    more = len(pulls) - 20
    return f"{shown} and {more} more" if more > 0 else shown

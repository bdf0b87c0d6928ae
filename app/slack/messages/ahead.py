"""Approval while staging runs: what the status offers, and the card until staging is green.

What is posted here while nobody is asked mentions nobody, but for those whose approval is missing.
"""

from collections.abc import Mapping

from app.core import ahead, policy
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import CardFacts, PlanStep
from app.core.reminding import to_call
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import lanes, people, runs
from app.slack.messages.actions import title, trace
from app.slack.messages.approvers import named
from app.slack.messages.approving import missing
from app.slack.messages.doubt import doubted
from app.slack.messages.evidence import commit_rows, objections
from app.slack.messages.settled import waiting_line
from app.slack.messages.shown import action, exact, versions

LABEL = "Approve when staging is green"
MAX_UNCHECKED = 3


# On the status message.


def offered_now(state: State, repo: RepoConfig, facts: Mapping[str, str], now: int) -> Card | None:
    """Return what can be approved ahead as a card; None, too, while a lock or freeze forbids it."""
    request = ahead.offered(state)
    specs = request.specs if request else ()
    blocked = any(policy.blocked_by(repo, spec, facts, now) for spec in specs)
    return Card(request, state.started_at) if request and not blocked else None


def offer(state: State, card: Card, repo: RepoConfig) -> list[Block]:
    """Show exactly what a click approves, for as long as it can be approved ahead.

    It says what a card would of what else goes out, but calls nobody.
    """
    return [
        blocks.section(f"*When staging is green:* {action(card.request.specs)} · {_changes(card)}"),
        *_commits(card),
        *lanes.ships(state, repo, card, call=False),
        *(blocks.section(exact(spec)) for spec in card.request.specs),
        *_objections(card, repo),
        blocks.context(blocks.mrkdwn("\n".join(_conditions(card, repo)))),
    ]


def _objections(card: Card, repo: RepoConfig) -> list[Block]:
    rows = objections(card, repo)
    return [blocks.section(text.joined(rows))] if rows else []


def approve_button(state: State, card: Card) -> Block:
    """Approve ahead; a risky change is asked about twice, as on any card."""
    value = f"{state.thread_id}:{card.request.call_id}"
    spoken = f"{LABEL}: {text.line(action(card.request.specs), 40)}"
    asked = are_you_sure(card)
    return blocks.button(LABEL, "approve_when_green", value, None, asked, spoken)


def are_you_sure(card: Card) -> Block | None:
    """Ask for a second click where the change is risky; None where one is enough."""
    why = next((step.facts.risky for step in card.steps if step.facts.risky), "")
    if not why:
        return None
    wanted = text.line(action(card.request.specs), 90)
    asked = text.line(f"Risky: {why}.", 300)
    return blocks.confirm(f"{wanted[0].upper()}{wanted[1:]}?", asked, "Approve", "Not yet")


def _conditions(card: Card, repo: RepoConfig) -> list[str]:
    rows = [*_counted(card), *_who(card, repo), *_risks(card)]
    unchecked = dict.fromkeys(note for step in card.steps for note in step.facts.unchecked)
    rows += [f"*Not checked:* {text.inline(note, 200)}" for note in list(unchecked)[:MAX_UNCHECKED]]
    return [*rows, f"Without this click I ask once it is green · {trace(card)}"]


def _commits(card: Card) -> list[Block]:
    """List the commits that go in besides the merge itself, of a plan the most of a step."""
    facts = card.fullest.facts
    if facts.commits_total < 2:
        return []
    return [blocks.section(text.joined([_going_in(facts), *commit_rows(facts)]))]


def _counted(card: Card) -> list[str]:
    facts = card.fullest.facts
    return [_going_in(facts)] if facts.commits_total < 2 else []


def _going_in(facts: CardFacts) -> str:
    """Say how many commits go in, and where they are to be seen."""
    compare = f" · {text.link(facts.compare_url, 'compare')}" if facts.compare_url else ""
    return f"*Going in:* {runs.counted(facts.commits_total, 'commit')}{compare}"


def _changes(card: Card) -> str:
    if len(card.steps) == 1:
        return versions(card.request.spec)
    named = [f"{text.inline(step.name, 60)} {versions(step.spec)}" for step in card.steps]
    return ", ".join(named)


def _risks(card: Card) -> list[str]:
    risky = dict.fromkeys(step.facts.risky for step in card.steps if step.facts.risky)
    return [f"*Risky:* {'; '.join(text.inline(why, 300) for why in risky)}"] if risky else []


def _who(card: Card, repo: RepoConfig) -> list[str]:
    """Name who may approve which of the steps, and call nobody."""
    groups: dict[str, list[PlanStep]] = {}
    for step in card.steps:
        count = runs.counted(step.facts.needed, "approval")
        needed = f" · {count} needed" if step.facts.needed > 1 else ""
        who = named(step.facts, repo) or "nobody"
        groups.setdefault(f"{who}{needed}", []).append(step)
    if len(groups) == 1:
        return [f"*May approve:* {who}" for who in groups]
    names = {who: ", ".join(step.name for step in steps) for who, steps in groups.items()}
    return [f"*May approve {text.inline(names[who], 200)}:* {who}" for who in groups]


def status_line(state: State, card: Card, repo: RepoConfig) -> str:
    """Say in the status what was approved ahead, and what is missing."""
    if state.held_by:
        return (
            f"⏸️ reading {people.name_of(state.held_by, repo, call=False)}'s message · {_what(card)}"
        )
    if lacking := max(map(card.missing, card.steps)):
        return (
            f"🔔 {runs.counted(lacking, 'approval')} missing: {_what(card)} when staging is green"
        )
    return f"✅ {_what(card)} when staging is green · {_approved(card, repo)}"


# The card.


def ahead_card(state: State, repo: RepoConfig, card: Card, facts: Mapping[str, str]) -> Message:
    """Render a card that somebody approved, until staging is green; it can be taken back."""
    lacking = missing(card)
    lines = [f"{_approved(card, repo)} · {trace(card)}", *_risks(card), *lacking]
    parts: list[Block] = [
        title("⏳", card),
        *(blocks.section(exact(spec)) for spec in card.request.specs),
        blocks.section("\n".join([_waits(state, facts), *_held(state, repo)])),
        blocks.context(blocks.mrkdwn("\n".join(lines))),
        *_commits(card),
        *lanes.ships(state, repo, card),
        *_objections(card, repo),
        blocks.actions(_buttons(state, card, bool(lacking))),
        blocks.context(blocks.plain("It can be taken back until it runs, also in words.")),
    ]
    return Message(_notice(card, repo), tuple(parts))


def _notice(card: Card, repo: RepoConfig) -> str:
    """Return what a notification shows: it calls those whose approval is missing, if any."""
    if not any(map(card.missing, card.steps)):
        return f"{_what(card)} when staging is green: {_approved(card, repo)}"
    whom = people.mentions(to_call(card))
    asked = f"approve to {action(card.request.specs)} when staging is green?"
    return f"{whom}: {asked}" if whom else f"{asked[0].upper()}{asked[1:]}"


def _what(card: Card) -> str:
    return f"{action(card.request.specs)}, {text.short(card.request.spec.sha)},"


def _approved(card: Card, repo: RepoConfig) -> str:
    given = [
        f"{people.name_of(each.user, repo, call=False)} {text.when(each.at)}"
        for each in card.approvals
    ]
    return f"approved by {people.all_of(given)}"


def _waits(state: State, facts: Mapping[str, str]) -> str:
    staging = state.staging
    if staging is not None and staging.passed:
        waits = lanes.waiting_line(state, facts)
        if not waits and state.waits_for_source:
            waits = f"⏳ staging is green · {waiting_line(state, facts)}"
        return waits or "⏳ staging is green: it begins now"
    sha = text.short(staging.sha) if staging else "it"
    return f"*Runs when staging of {sha} is green*, not before; if it is red, this lapses."


def _held(state: State, repo: RepoConfig) -> list[str]:
    if not state.held_by:
        return []
    reader = people.name_of(state.held_by, repo, call=False)
    if not state.unheard:
        return [f"⏸️ Reading {reader}'s message …"]
    if state.in_doubt:
        return [doubted(state.in_doubt)]
    return [f"⏸️ Nobody reads {reader}'s message now. An approver can release this without it."]


def _buttons(state: State, card: Card, lacking: bool) -> list[Block]:
    value = f"{state.thread_id}:{card.request.call_id}"
    what = text.line(action(card.request.specs), 50)
    made: list[Block] = []
    if state.unheard:
        made.append(blocks.button("Release", "release", value, spoken=f"Release: {what}"))
    elif lacking:
        made.append(approve_button(state, card))
    made.append(blocks.button("Reject", "reject", value, "danger", spoken=f"Reject: {what}"))
    feedback = f"Reject with feedback: {what}"
    made.append(
        blocks.button("Reject with feedback", "reject_with_feedback", value, spoken=feedback)
    )
    return made

"""An approval card while it waits for people; how it ends is in settled.py."""

from collections.abc import Mapping

from app.core import approvers, glass, locks, policy, refusals
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.events import Files, PlanStep
from app.core.made_anew import first_called
from app.core.reminding import kept_by, quiet_until
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import lanes, people, runs
from app.slack.messages.ahead import ahead_card, are_you_sure
from app.slack.messages.also import also_asked
from app.slack.messages.approving import given, lost
from app.slack.messages.doubt import doubted
from app.slack.messages.evidence import commit_rows, evidence_lines
from app.slack.messages.glass import glass_button
from app.slack.messages.settled import settled_card
from app.slack.messages.shown import action, exact, versions

MAX_FILES = 5


def card_message(
    state: State, repo: RepoConfig, card: Card, now: int, facts: Mapping[str, str]
) -> Message:
    """Render a card as it stands; `facts` are the repository's."""
    if card.is_ahead:
        return ahead_card(state, repo, card, facts)
    if card.status != "pending":
        return settled_card(state, card, now, facts)
    parts: list[Block] = [
        blocks.header(lanes.mark(state) + _title(card)),
        *_quote(card),
        blocks.section(_change(state, card)),
        *_commits(card),
        *_jobs(card),
        *lanes.ships(state, repo, card),
        *(blocks.section(exact(spec)) for spec in card.request.specs),
        blocks.section(evidence_lines(state, card, repo, now)),
        *_reason(card),
        *_blocked(card, repo, facts, now),
        *_standing(state, card, repo),
        *lanes.offer(state, repo, card),
        *also_asked(state, card, facts),
        blocks.actions(_buttons(state, card, repo, facts, now)),
        blocks.context(blocks.plain("Or answer in this thread in your own words.")),
    ]
    return Message(_notice(state, card, repo), tuple(parts))


def _notice(state: State, card: Card, repo: RepoConfig) -> str:
    """Return what a notification shows; it calls those who can approve, if it is time to."""
    named = action(card.request.specs)
    what = f"{named}, {text.short(card.request.spec.sha)}"
    if not _approvable(card):
        return f"Nobody can approve to {named}"
    if card.request.facts.quiet_until is not None:  # a message of its own calls people
        quiet = quiet_until(state, repo, card) is not None
        kept = kept_by(card)
        until = f"the end of a {kept}" if kept else "working hours"
        return f"{what[0].upper()}{what[1:]}: waits for {until if quiet else 'approval'}"
    asked = (user for step in card.steps for user in first_called(card, step))
    whom = people.mentions(dict.fromkeys(asked))
    return f"{whom}: approve to {what}?" if whom else f"Nobody can approve to {named} yet"


def _approvable(card: Card) -> bool:
    """Tell whether somebody can approve a step of it."""
    return any(approvers.approvable(step.facts) for step in card.steps)


def _title(card: Card) -> str:
    plan = f" · plan {card.request.plan}" if card.request.plan > 1 else ""
    named = action(card.request.specs)
    return text.line(f"{named[0].upper()}{named[1:]}", 150 - len(plan)) + plan


def _quote(card: Card) -> list[Block]:
    if not card.request.quote or card.request.plan < 2:
        return []
    by = blocks.context(blocks.mrkdwn(f"{text.user(card.request.quoted_user)} wrote:"))
    return [by, blocks.context(blocks.plain(f"“{text.line(text.quoted(card.request.quote))}”"))]


def _change(state: State, card: Card) -> str:
    """Tell which versions go where; of a plan, a numbered line for each step."""
    specs = card.request.specs
    told = [_versions(step) for step in card.steps]
    if len(specs) > 1:
        named = zip(specs, told, strict=True)
        told = [
            f"{n}. {spec.kind} *{text.inline(spec.service, 60)}* {line}"
            for n, (spec, line) in enumerate(named, 1)
        ]
    change = "\n".join(told)
    unknown = [s.service for s in specs if s.production_was is None and s.kind != "job"]
    if unknown:
        change += "\nNobody knows what production runs now."
    if state.asked_by:
        change += f" · asked for by {text.user(state.asked_by)}"
    pull = card.request.facts.pull_request
    if pull is None:
        return change
    link = text.link(pull.url, f"#{pull.number}")
    return f"{change}\n{link} {text.inline(pull.title, 200)} · {people.by(pull)}"


def _versions(step: PlanStep) -> str:
    compare = step.facts.compare_url
    return versions(step.spec) + (f" · {text.link(compare, 'compare')}" if compare else "")


def _commits(card: Card) -> list[Block]:
    """List the commits that go in, or that a rollback takes out; of a plan, the most of a step."""
    fullest = card.fullest
    facts = fullest.facts
    if not facts.commits:
        return []
    total = max(facts.commits_total, len(facts.commits))
    way = "taken out" if fullest.spec.kind == "rollback" else "going in"
    title = f"{runs.counted(total, 'commit')} {way}:"
    return [blocks.section("\n".join([title, *commit_rows(facts)]))]


def _jobs(card: Card) -> list[Block]:
    """Show the files that are work for a job, and whether it runs before its service."""
    names = [step.name for step in card.steps]
    found: dict[str, str] = {}
    for step in card.steps:
        for job, files in step.facts.jobs.items():
            if job not in found:
                found[job] = f"*{text.inline(job, 60)}:* {_files(files)}{_when(job, step, names)}"
    return [blocks.section("\n".join(found.values()))] if found else []


def _files(files: Files) -> str:
    shown = ", ".join(text.code(name, 120) for name in files.names[:MAX_FILES])
    more = files.total - min(MAX_FILES, len(files.names))
    return f"{shown} and {more} more" if more else shown


def _when(job: str, step: PlanStep, names: list[str]) -> str:
    if step.spec.kind == "rollback":
        return " · ⚠️ it ran in between, and no rollback takes it back"
    if step.name == job:
        return ""
    service = text.inline(step.name, 60)
    if job not in names:
        return f" · ⚠️ it did not run for this, and is no part of it; {service} may need it"
    late = names.index(job) > names.index(step.name)
    return f" · ⚠️ it runs only after {service}" if late else ""


def _reason(card: Card) -> list[Block]:
    words, by = text.line(card.request.reason, 300), text.line(card.proposed_by, 60)
    return [blocks.context(blocks.plain(f"{by}'s words: {words}"))] if words else []


def _blocked(card: Card, repo: RepoConfig, facts: Mapping[str, str], now: int) -> list[Block]:
    """Say which locks and freezes are in force, and what that means for this card."""
    lines = (
        f"{'🔒' if block.user else '❄️'} "
        f"{refusals.against(block, spec.kind, people.name_of(block.user, repo))}"
        for spec in card.request.specs
        for block in locks.on(repo, facts, spec.service, now)
    )
    # A lock of a service stands against its jobs, too.
    return [blocks.section(line) for line in dict.fromkeys(lines)]


def _standing(state: State, card: Card, repo: RepoConfig) -> list[Block]:
    """Say what stands between the card and its approval right now."""
    lines = [_hold(card, step) for step in card.steps if step.facts.hold]
    if state.held_by:
        lines.append(_held(state, text.user(state.held_by)))
    lines += [*lost(card, repo), *given(card)]
    return [blocks.section("\n".join(lines))] if lines else []


def _hold(card: Card, step: PlanStep) -> str:
    name = f"{text.inline(step.name, 60)} " if len(card.steps) > 1 else ""
    hold = text.inline(step.facts.hold, 250)
    if released_by := card.holds_released.get(step.name):
        return f"Hold released by {text.user(released_by)}: {name}{hold}"
    since = hold.removeprefix("on hold ")
    return f"✋ {name}*On hold* {since}. An approver has to release it first."


def _held(state: State, reader: str) -> str:
    if not state.unheard:
        return f"⏸️ Reading {reader}'s message …"
    why = f"⏸️ I could make nothing of {reader}'s message."
    if state.in_doubt and not state.model_down:
        return doubted(state.in_doubt)
    if state.model_down:
        retry = text.when(state.model_down.retry_at)
        why = f"⏸️ Reading {reader}'s message: the model does not answer, next try {retry}."
    return f"{why} An approver can release the card without it."


def _is_frozen(card: Card, repo: RepoConfig, facts: Mapping[str, str], now: int) -> bool:
    """Tell whether freezes, and no lock, stand against it."""
    found = [b for spec in card.request.specs for b in locks.on(repo, facts, spec.service, now)]
    return bool(found) and not any(block.user for block in found)


def _buttons(
    state: State, card: Card, repo: RepoConfig, facts: Mapping[str, str], now: int
) -> list[Block]:
    value = f"{state.thread_id}:{card.request.call_id}"
    what = text.line(action(card.request.specs), 50)
    release = card.held_steps or state.unheard
    made: list[Block] = []
    may = _approvable(card)
    if may and release:
        made.append(blocks.button("Release", "release", value, spoken=f"Release: {what}"))
    elif may:
        # It does not invite to a click that would be refused.
        is_blocked = any(policy.blocked_by(repo, spec, facts, now) for spec in card.request.specs)
        style = None if is_blocked else "primary"
        asked, spoken = are_you_sure(card), f"Approve: {what}"
        made.append(blocks.button("Approve", "approve", value, style, asked, spoken))
    feedback = f"Reject with feedback: {what}"
    made.append(blocks.button("Reject", "reject", value, "danger", spoken=f"Reject: {what}"))
    made.append(
        blocks.button("Reject with feedback", "reject_with_feedback", value, spoken=feedback)
    )
    if not release and glass.may_help(state, card, _is_frozen(card, repo, facts, now)):
        made.append(glass_button(state, card))
    return made

"""An approval card while it waits for people; how it ends is in settled.py."""

import json

from app.core.config import RepoConfig
from app.core.events import CardFacts, Commit
from app.core.spec import ActionSpec
from app.core.state import Card, State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import people, runs
from app.slack.messages.settled import settled_card

MAX_COMMITS = 10


def card_message(state: State, repo: RepoConfig, card: Card, now: int) -> Message:
    """Render a card as it stands."""
    if card.status != "pending":
        return settled_card(state, card, now)
    spec, facts = card.request.spec, card.request.facts
    approvers = [text.user_or_group(slack_id) for slack_id in facts.approvers]
    whom = people.all_of(approvers) if approvers else "nobody can"
    parts: list[Block] = [
        blocks.header(_title(card)),
        *_quote(card),
        blocks.section(_change(spec, facts)),
        *_commits(facts, spec),
        blocks.section(text.code_block(_exact(spec), 2600)),
        blocks.section(_evidence(card, repo, whom)),
        *_model_words(card),
        *_standing(state, card),
        blocks.actions(_buttons(state, card)),
        blocks.context(blocks.plain("Or answer in this thread in your own words.")),
    ]
    fallback = f"{whom}: approve {verb(spec).lower()} of {_target(spec)} to {spec.sha[:7]}?"
    return Message(fallback if approvers else f"{_title(card)}: nobody can approve", tuple(parts))


def verb(spec: ActionSpec) -> str:
    """Return what the action is called."""
    return "Deploy" if spec.kind == "deploy" else "Rollback"


def _target(spec: ActionSpec) -> str:
    return f"{text.inline(spec.service, 60)} in {spec.environment}"


def _title(card: Card) -> str:
    spec = card.request.spec
    way = "Deploy {} to {}" if spec.kind == "deploy" else "Roll back {} in {}"
    plan = f" · plan {card.request.plan}" if card.request.plan > 1 else ""
    return way.format(text.line(spec.service, 60), spec.environment) + plan


def _quote(card: Card) -> list[Block]:
    if not card.request.quote or card.request.plan < 2:
        return []
    by = blocks.mrkdwn(f"{text.user(card.request.quoted_user)} wrote:")
    return [blocks.context(by, blocks.plain(f"“{text.line(text.quoted(card.request.quote))}”"))]


def _change(spec: ActionSpec, facts: CardFacts) -> str:
    compare = f" · {text.link(facts.compare_url, 'compare')}" if facts.compare_url else ""
    change = f"{text.short(spec.production_was)} → {text.short(spec.sha)}{compare}"
    if spec.production_was is None:
        change += "\nNobody knows what production runs now."
    pull = facts.pull_request
    if pull is None:
        return change
    by = f"by {text.inline(pull.author, 80)}, merged by {text.inline(pull.merged_by, 80)}"
    link = text.link(pull.url, f"#{pull.number}")
    return f"{change}\n{link} {text.inline(pull.title, 200)} · {by}"


def _commits(facts: CardFacts, spec: ActionSpec) -> list[Block]:
    """List the commits that go in, or that a rollback takes out, as plain text."""
    if not facts.commits:
        return []
    shown = facts.commits[:MAX_COMMITS]
    total = max(abs(facts.commits_total), len(facts.commits))
    lines = [_commit(commit) for commit in shown]
    if total > len(shown):
        lines.append(f"… and {total - len(shown)} more (cut)")
    out = spec.kind == "rollback" or facts.commits_total < 0
    title = f"{runs.counted(total, 'commit')} {'taken out' if out else 'going in'}:"
    return [blocks.plain_section("\n".join([title, *lines]))]


def _commit(commit: Commit) -> str:
    by = f" · {text.line(commit.author, 60)}" if commit.author else ""
    return f"{commit.sha[:7]} {text.line(commit.title, 120)}{by}"


def _exact(spec: ActionSpec) -> str:
    """Return the exact call and the deployer's exact arguments; what hides is shown as \\u…."""
    arguments = [f"  {key} = {json.dumps(value)}" for key, value in sorted(spec.arguments.items())]
    call = f"{spec.tool}(sha={json.dumps(spec.sha)})"
    return "\n".join([call, f"runs {spec.deployer} with", *arguments])


def _evidence(card: Card, repo: RepoConfig, whom: str) -> str:
    request, facts = card.request, card.request.facts
    rows = [
        f"*Staging:* {text.inline(facts.staging, 300)}" if facts.staging else "",
        _who(card, repo, whom),
        *(f"*Not checked:* {text.inline(fact, 200)}" for fact in facts.unchecked[:5]),
        f"*Expires:* {text.when(request.spec.expires_at)} · run {text.code(request.spec_hash[:8])}",
    ]
    return "\n".join(row for row in rows if row)


def _who(card: Card, repo: RepoConfig, whom: str) -> str:
    facts = card.request.facts
    if not facts.approvers:
        return (
            "⚠️ *Nobody can approve this:* no approvers are configured. Set "
            f"`approvers = [...]` for {text.code(repo.name)} in `deploybot.toml`."
        )
    count = runs.counted(facts.needed, "approval")
    needed = f" · {count} needed" if facts.needed > 1 else ""
    barred = people.all_of([people.name_of(who, repo) for who in facts.barred])
    own = f" · not {barred}: no self-approval" if facts.barred else ""
    return f"*May approve:* {whom}{needed}{own}"


def _model_words(card: Card) -> list[Block]:
    words = text.line(card.request.reason, 300)
    return [blocks.context(blocks.plain(f"model's words: {words}"))] if words else []


def _standing(state: State, card: Card) -> list[Block]:
    """Say what stands between the card and its approval right now."""
    lines: list[str] = []
    hold = card.request.facts.hold
    if hold and card.hold_released_by:
        lines.append(
            f"Hold released by {text.user(card.hold_released_by)}: {text.inline(hold, 250)}"
        )
    elif hold:
        lines.append(
            f"✋ *On hold:* {text.inline(hold, 250)}. An approver has to release it first."
        )
    if state.held_by:
        reading = f"⏸️ Reading {text.user(state.held_by)}'s message"
        lines.append(reading + (_while_down(state) if state.model_down else " …"))
    lines += [
        f"✅ Approved by {text.user(user)} · {text.when(at)} · "
        f"{number} of {card.request.facts.needed}"
        for number, (user, at) in enumerate(card.approvals, 1)
    ]
    return [blocks.section("\n".join(lines))] if lines else []


def _while_down(state: State) -> str:
    retry = state.model_down.retry_at if state.model_down else 0
    return (
        f": the model does not answer, next try {text.when(retry)}. "
        "An approver can release the card without it."
    )


def _buttons(state: State, card: Card) -> list[Block]:
    spec, value = card.request.spec, f"{state.thread_id}:{card.request.call_id}"
    on_hold = card.request.facts.hold and not card.hold_released_by
    made: list[Block] = []
    if on_hold or (state.held_by and state.model_down):
        made.append(blocks.button("Release", "release", value))
    elif card.request.facts.approvers:
        was = spec.production_was[:7] if spec.production_was else "an unknown version"
        asked = blocks.confirm(
            f"{verb(spec)} {text.line(spec.service, 40)}?",
            f"{text.line(spec.service, 60)} in {spec.environment} goes from {was} "
            f"to {spec.sha[:7]}.",
            verb(spec) if spec.kind == "deploy" else "Roll back",
            "Not yet",
        )
        made.append(blocks.button("Approve", "approve", value, "primary", asked))
    made.append(blocks.button("Reject", "reject", value, "danger"))
    made.append(blocks.button("Reject with feedback", "reject_with_feedback", value))
    return made

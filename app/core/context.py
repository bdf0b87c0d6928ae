"""What the agent reads: a thread as one compact text of bounded length; no I/O, no clock."""

from collections.abc import Iterable, Sequence

from app.core import ahead, asked, awaited, lanes, locks, rides
from app.core import events as ev
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.history import age, called, history, outside
from app.core.offers import ship_all
from app.core.records import Words
from app.core.state import State
from app.core.tokens import tokens_at_most
from app.core.writing import short, utc

MAX_TOKENS = 3_000
GOAL_TOKENS = 420
FACTS_TOKENS = 900
NOW_TOKENS = 1_000
NEWEST_WORDS_TOKENS = 420
MERGES_SHOWN = 3


def render(state: State, entries: Sequence[ev.Entry], repo: RepoConfig, now: int) -> str:
    """Return the thread as the model reads it, at most `MAX_TOKENS` as counted by `tokens_at_most`.

    Everything from outside stands between « and ». The live card and the newest words of people
    are always in; of what happened, the oldest lines are dropped first.
    """
    goal = _section("Goal", _goal(state, now), GOAL_TOKENS)
    facts = _section("Facts, from code", _facts(state, repo, now), FACTS_TOKENS)
    ending = _section("Now", _now(state, entries, repo, now), NOW_TOKENS)
    left = MAX_TOKENS - sum(map(tokens_at_most, (goal, facts, ending))) - 20
    past = "\n".join(["# What happened", *history(state, entries, now, left)])
    return "\n\n".join([goal, facts, past, ending])


def _section(title: str, lines: Iterable[str], tokens: int) -> str:
    kept = [f"# {title}"]
    left = tokens - tokens_at_most(kept[0]) - 12
    for line in lines:
        left -= tokens_at_most(line) + 1
        if left < 0:
            kept.append("(more left out)")
            break
        kept.append(line)
    return "\n".join(kept)


def _goal(state: State, now: int) -> list[str]:
    begun = f"in a thread begun {age(now, state.started_at)}"
    by_itself = state.origin in ("merge", "schedule")
    by = f"by a {state.origin}" if by_itself else f"by @{state.asked_by}'s {state.origin}"
    if state.mode == "rollback":
        lines = [f"Bring production of {state.repo} back to what worked, {begun} {by}."]
    elif state.sha:
        lines = [f"Deploy {short(state.sha)} of {state.repo} to production, {begun} {by}."]
    else:
        lines = [f"Do what people of {state.repo} ask, {begun} {by}."]
    pull = state.pull_request
    if pull:
        people = f"by {outside(pull.author, 20)}, merged by {outside(pull.merged_by, 20)}"
        lines.append(f"Pull request #{pull.number} {people}: {outside(pull.title, 90)}")
        if pull.body:
            lines.append(f"Its text: {outside(pull.body, 160)}")
    return lines


def _facts(state: State, repo: RepoConfig, now: int) -> list[str]:
    lines = [f"default order: {', '.join(repo.production.order)}"]
    lines += [f"{name} is a job, no service" for name in repo.production.jobs]
    if state.staging:
        lines.append(_staging(state, now))
    facts = state.facts
    if facts is None:
        return [*lines, "what runs on production: not fetched yet", *_thread_facts(state)]
    lines.extend(_running(running, repo) for running in facts.running)
    lines.extend(_taken_back(state, facts))
    if facts.staged:
        lines.append("newest that passed staging: " + "; ".join(map(_commit, facts.staged[:3])))
    for job, files in facts.jobs.items():
        shown = outside(", ".join(files.names[:3]), 80)
        lines.append(f"the job {job} is due for {files.total} files: {shown}")
    lines.extend(_thread_facts(state))
    lines.extend(outside(problem, 60) for problem in facts.problems[:3])
    if facts.commits:
        lines.append(f"{len(facts.commits)} commits that production does not have, newest first:")
        lines.extend(f"- {_commit(commit)}" for commit in facts.commits[:10])
    return lines


def _taken_back(state: State, facts: ev.FactsFetched) -> list[str]:
    """Say which services are to go back where people name none."""
    if facts.changed_last and state.sha is None:
        return [f"changed last, together: {', '.join(facts.changed_last)}"]
    if facts.changed_last:
        return [f"to be taken back unless people name others: {', '.join(facts.changed_last)}"]
    if state.sha is None or any(run.is_production_effect for run in state.runs.values()):
        return []
    return [f"nothing of {short(state.sha)} is on production: only what people name can go back"]


def _staging(state: State, now: int) -> str:
    staging = state.stagings[-1]
    word = {None: "is running", True: "passed", False: "FAILED"}[staging.passed]
    if staging.override:
        word = f"tests were red and overridden by @{staging.override.user}: it counts as passed"
    at = staging.ended_at or staging.started_at
    return f"staging {word} for {short(staging.sha)}, {age(now, at)} {outside(staging.summary, 60)}"


def _thread_facts(state: State) -> list[str]:
    lines: list[str] = []
    if state.change:
        touched = ", ".join(state.change.touched) or "no service"
        lines.append(f"this merge touches: {touched}; leave out the others unless people ask")
    lines.extend(_other_merges(state))
    for job, sha in state.ran.items():
        lines.append(f"this thread ran the job {job} in production for {short(sha)}")
    if state.shipped:
        shipped = ", ".join(f"{name} {short(sha)}" for name, sha in state.shipped.items())
        lines.append(f"this thread brought to production: {shipped}")
    lines.extend(f"before it, {name} ran {short(was)}" for name, was in _before(state).items())
    for tool, sha in sorted(state.refused):
        lines.append(f"refused, do not propose unasked: {tool}({short(sha)})")
    check = state.verification
    if check and check.passed is False:
        lines.append(
            f"production e2e tests are red: {outside(', '.join(check.failing_tests), 100)}"
        )
    return lines


def _other_merges(state: State) -> list[str]:
    lines: list[str] = []
    if state.is_urgent:
        lines.append("this merge is marked urgent: it goes before all others")
    if ride := rides.broken(state):
        told = f"{lanes.named(ride.by)}, which was to ship this one, too, {rides.ended(ride)}"
        lines.append(f"{told}; people say `continue` here to take this one up by itself")
    if state.carried:
        newest = list(state.carried.values())[-MERGES_SHOWN:]
        more = f" and {hidden} more" if (hidden := len(state.carried) - len(newest)) else ""
        lines.append(f"it ships, too: {'; '.join(map(_pull, newest))}{more}")
    if state.offer:
        newer = "; ".join(map(_pull, state.offer.pulls[:MERGES_SHOWN]))
        way = ship_all(state, state.offer).lower()
        lines.append(f"newer, and tested since: {newer}; the card asks people whether to {way}")
    return lines


def _pull(pull: ev.Pull) -> str:
    by = f" by {outside(pull.author, 20)}" if pull.author else ""
    return f"{lanes.named(pull)} {outside(pull.title, 50)}{by}"


def _before(state: State) -> dict[str, str | None]:
    before: dict[str, str | None] = {}
    for run in state.runs.values():
        asked = state.asked(run.call_id)
        if asked and run.outcome == "succeeded" and run.attempt.kind == "deploy":
            before[asked.spec.service] = asked.spec.production_was
    return before


def _running(running: ev.Running, repo: RepoConfig) -> str:
    parts = [f"production runs {running.service} {short(running.sha)} ({running.source})"]
    if running.verified_sha:
        same = running.verified_sha == running.sha
        parts.append("verified" if same else f"last verified {short(running.verified_sha)}")
    if running.ahead_of:
        parts.append(f"has {short(running.ahead_of)} and more: leave it out")
    if running.back_to:
        out = f" and takes out {', '.join(running.takes_out)}" if running.takes_out else ""
        parts.append(f"a rollback goes to {short(running.back_to)}{out}")
    if running.hold is not None:
        parts.append(f"ON HOLD: {outside(running.hold, 40)}")
    for block in running.blocks:
        parts.append(f"BLOCKED, {outside(locks.plainly(block, repo), 100)}")
    return ", ".join(parts)


def _commit(commit: ev.Commit) -> str:
    author = f" by {outside(commit.author, 20)}" if commit.author else ""
    return f"{short(commit.sha)}{author} {outside(commit.title, 50)}"


def _now(state: State, entries: Sequence[ev.Entry], repo: RepoConfig, now: int) -> list[str]:
    lines = [_doing(state)]
    card = state.pending
    if card:
        was = ", ".join(dict.fromkeys(short(spec.production_was) for spec in card.request.specs))
        held = ", HELD until you answer" if state.held_by else ""
        lines.append(f"live card: {called(card.request.specs)}, production has {was}{held}")
        lines.extend(_on_card(state, card))
        lines.append(f"people: {outside(asked.told(state, repo, card), 160)}")
    if state.ahead:
        held = ", HELD until you answer" if state.held_by else ""
        steps = called(state.ahead.request.specs)
        lines.append(
            f"approved for when staging is green, and begins then by itself: {steps}{held}"
        )
    elif ahead.offered(state):
        lines.append("people can press Approve when staging is green on the status message now")
    if question := state.question or state.question_held:
        lines.append(f"your open question: {outside(question.text, 80)}")
    if card and state.in_doubt:
        lines.append(
            "it holds the card, and reply and ignore leave it so; if the words want the card as it "
            "is, call its tool again"
        )
    if state.held_in_line:
        lines.append(
            "it holds this merge, which keeps its place in line: reply and ignore leave it so; "
            "where no words are to be answered, propose what is next: its card will be held"
        )
    lines.extend(_unread(state.unread, now))
    lines.extend(_resolved(entries))
    return lines


def _on_card(state: State, card: Card) -> list[str]:
    """List the commits that the card shows, where nobody could compare with production."""
    compared = state.facts is not None and state.facts.commits
    shown = () if compared else card.fullest.facts.commits[:3]
    return [f"commits that the card shows: {'; '.join(map(_commit, shown))}"] if shown else []


def _doing(state: State) -> str:
    if state.running:
        attempt = state.running.attempt
        target = attempt.service or "e2e tests"
        return f"running: {attempt.kind} of {target} {short(attempt.sha)} on {attempt.environment}"
    if state.waits_for_block:
        block = state.waits_for_block
        return f"approved, and waits until {block.service} is no longer locked or frozen"
    if state.unknown:
        service = state.unknown.attempt.service
        return f"nobody knows whether the last run of {service} happened; a person has to say"
    if wait := state.wait_held:
        what = awaited.plainly(wait) or "its time"
        return f"you wait for {what} until {utc(wait.until)}; reply and ignore let the wait go on"
    return f"nothing is running; plan {state.plan}, step {state.steps + 1}"


def _unread(unread: Sequence[Words], now: int) -> list[str]:
    if not unread:
        return []
    newest, earlier = unread[-1], unread[:-1][-3:]
    lines = ["people's words to be answered NOW, newest first:"]
    lines.append(
        f"- @{newest.user}, {age(now, newest.at)}: {outside(newest.text, NEWEST_WORDS_TOKENS)}"
    )
    lines.extend(
        f"- @{words.user}, {age(now, words.at)}: {outside(words.text, 90)}"
        for words in reversed(earlier)
    )
    hidden = len(unread) - 1 - len(earlier)
    return [*lines, f"({hidden} earlier unanswered messages)"] if hidden else lines


def _resolved(entries: Sequence[ev.Entry]) -> list[str]:
    for entry in reversed(entries):
        if isinstance(entry.event, ev.HumanSaid | ev.ApprovalRejected):
            break
        if isinstance(entry.event, ev.ShasResolved):
            found = [f"SHA in the words: {_commit(commit)}" for commit in entry.event.found[:3]]
            refused = [f"refused SHA: {outside(why, 80)}" for why in entry.event.refused[:3]]
            return [*found, *refused]
    return []

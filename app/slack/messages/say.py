"""The bot's sentences: replies, questions with their choices, notes, and the end of a plan."""

from collections.abc import Mapping

from app.core.config import RepoConfig
from app.core.records import Say
from app.core.state import State
from app.slack import blocks, text
from app.slack.blocks import Block, Message
from app.slack.messages import people
from app.slack.messages.answer import answer_message
from app.slack.messages.missing import missing_lines
from app.slack.messages.production_tests import ProductionTests, production_tests
from app.slack.messages.rides import went_along
from app.slack.messages.waiting import wait_message

MAX_CHOICES = 10


def say_message(state: State, repo: RepoConfig, say: Say, facts: Mapping[str, str]) -> Message:
    """Render one sentence of the bot's; `facts` are the repository's."""
    if say.wait:
        return wait_message(state, say, say.wait)
    match say.because:
        case "answer":
            return answer_message(say, repo, facts)
        case "question" | "stuck":
            return _question(state, repo, say)
        case "done":
            return _done(state, repo, say)
        case "note":
            return Message(_short(say), (blocks.context(blocks.plain(text.line(say.text, 1500))),))
        case "reply" | "wait":
            return Message(_short(say), (blocks.section(text.prose(say.text) or "…"),))


def _question(state: State, repo: RepoConfig, say: Say) -> Message:
    whom = people.asked(state, repo, say.at)
    mark = "⚠️" if say.because == "stuck" else "💬"
    asked = f"{mark} {whom + ' ' if whom else ''}{text.prose(say.text)}"
    parts: list[Block] = [blocks.section(asked)]
    if say.choices and not say.answered:
        parts.append(blocks.actions(_choices(state, say)))
        parts.append(blocks.context(blocks.plain("Or answer in your own words.")))
    asked_now = f"{whom + ': ' if whom else ''}{_short(say)}"
    return Message(asked_now, tuple(parts), passed=say.answered)


def _choices(state: State, say: Say) -> list[Block]:
    value = f"{state.thread_id}:{say.call_id}"
    return [
        blocks.button(text.line(choice, 75), f"choose_{n}", f"{value}:{n}")
        for n, choice in enumerate(say.choices[:MAX_CHOICES])
    ]


def _done(state: State, repo: RepoConfig, say: Say) -> Message:
    whom = _told_of_the_end(state, repo)
    said = [f"{whom}{text.prose(say.text) or '…'}", *went_along(state, repo, say)]
    if _is_newest_done(state, say):
        said += missing_lines(state, repo)
    parts: list[Block] = [blocks.section(text.joined(said))]
    tests = verification(state, say)
    if tests:
        parts.append(blocks.context(blocks.mrkdwn(tests.verdict)))
    elif _to_be_tested(state, repo, say):
        parts.append(blocks.context(blocks.mrkdwn("⏳ production tests are next")))
    elif state.shipped and repo.production.e2e is None:
        parts.append(blocks.context(blocks.mrkdwn("Not tested: no production tests configured")))
    if state.rolled_back and _is_newest_done(state, say):
        parts.append(blocks.context(blocks.mrkdwn(_holds(state))))
    if _can_roll_back(state, say) and not _to_be_tested(state, repo, say):
        button = blocks.button("Roll back", "rollback", state.thread_id, "danger")
        parts.append(blocks.actions([button]))
    return Message(f"{whom}{_short(say)}", tuple(parts))


def _told_of_the_end(state: State, repo: RepoConfig) -> str:
    """Call the author of a merge that changed production: it is the one thing they wait for."""
    author = people.owner(state, repo) if state.origin == "merge" and state.shipped else None
    return f"{author}: " if author else ""


def _holds(state: State) -> str:
    """Say what the rollbacks of this thread mean for what comes next."""
    bad = ", ".join(
        f"{text.inline(service, 60)} ({text.short(sha)} was rolled back)"
        for service, sha in state.rolled_back.items()
    )
    return f"✋ on hold: {bad}. A newer change has to pass staging, then an approver releases it."


def verification(state: State, say: Say) -> ProductionTests | None:
    """Return the tests that followed this sentence, up to the next end of a plan."""
    later = (s.at for s in state.says if s.because == "done" and s.n > say.n)
    until = next(later, None)
    for tests in production_tests(state):
        at = tests.runs[0].started_at
        if at >= say.at and (until is None or at < until):
            return tests
    return None


def _to_be_tested(state: State, repo: RepoConfig, say: Say) -> bool:
    return bool(state.effects) and repo.production.e2e is not None and _is_newest_done(state, say)


def _can_roll_back(state: State, say: Say) -> bool:
    """Offer it once production changed, and only while nothing else is under way."""
    busy = state.running or state.pending or state.approved or state.unknown
    shipped = state.has_shipped and state.mode == "deploy"
    return shipped and not busy and _is_newest_done(state, say)


def _is_newest_done(state: State, say: Say) -> bool:
    return all(s.because != "done" for s in state.says[say.n + 1 :])


def _short(say: Say) -> str:
    return text.inline(say.text, 300) or "…"

"""What Slack shows on request alone: the feedback form, the question of which repo, App Home."""

from collections.abc import Mapping, Sequence

from app.core import locks
from app.core.cards import Card
from app.core.config import RepoConfig
from app.core.state import State
from app.core.what_waits import only_opened
from app.slack.blocks import Block, actions, button, context, form, header, mrkdwn, section, typed
from app.slack.payloads import RepoChoice
from app.slack.text import inline, short, when

VALUE_LIMIT = 2000
CARRIED_WORDS = 1500
HOME_CARDS = 45
WHICH_REPO = "Which repository do you mean?"

HELP = (
    "Mention me in a channel that I deploy for, and say what you want: "
    "_deploy the backend_, _what is on production?_, _roll back the frontend_. "
    "In a thread of mine you need no mention; *stop* and *continue* do what they say, "
    "*lock backend until 15:00 because load test* and *unlock backend*, too. "
    "Production changes only by the *Approve* button of a card. "
    "`/deploybot` answers `status`, `what is waiting?` and `locks`, and takes `lock …` and "
    "`unlock …`; ask all else by a mention."
)


def feedback_form(value: str, card: Card) -> Block:
    """Build the form that asks why a card is rejected; `value` comes back with its words."""
    shown = section(f"*{_steps(card)}* {short(card.request.spec.sha)} to production")
    words = typed("feedback", "What should I do instead?", 3000)
    return form("feedback", value, "Reject with feedback", "Reject", [shown, words])


def which_repo(repos: Sequence[RepoConfig], ts: str, root: str, words: str) -> list[Block]:
    """Ask which repository the words are for; each button carries the words."""
    buttons = [
        button(inline(repo.name, 75), f"choose_repo_{n}", _carried(repo.name, ts, root, words))
        for n, repo in enumerate(repos[:25])
    ]
    return [section(WHICH_REPO), actions(buttons)]


def home(lines: Sequence[str]) -> Block:
    """Build App Home: a line for each card that waits for people."""
    cards = [section(line) for line in lines]
    shown = cards[:HOME_CARDS] or [section("No card waits for anybody.")]
    blocks = [header("Waiting for approval"), *shown, context(mrkdwn(HELP))]
    return {"type": "home", "blocks": blocks}


def waiting_line(state: State) -> str:
    """Say what a thread waits for or does to production, "" if neither."""
    where = f"<#{state.channel}>, {inline(state.repo)}"
    card = state.pending
    if card:
        until, sha = when(card.expires_at), short(card.request.spec.sha)
        return f"*{_steps(card)}* {sha} in {where}: approve until {until}"
    if state.unknown:
        return f"*{state.unknown.attempt.service}* in {where}: say whether it happened"
    if state.question and not only_opened(state):
        return f"A question in {where}: {inline(state.question.text)}"
    run = state.running
    if run is None or not run.is_production_effect:
        return ""
    what = f"{run.attempt.kind} {inline(run.attempt.service or '', 60)}"
    return f"*{what}* {short(run.attempt.sha)} in {where}: running since {when(run.started_at)}"


def _steps(card: Card) -> str:
    return ", ".join(f"{spec.kind} {spec.service}" for spec in card.request.specs)


def blocks_lines(repo: RepoConfig, facts: Mapping[str, str], now: int) -> list[str]:
    """Say which services and jobs are locked or frozen now."""
    return [
        f"{'🔒' if block.user else '❄️'} {inline(repo.name)}: {locks.told(block)}"
        for block in locks.in_force(repo, facts, now)
    ]


def channels_line(repos: Sequence[RepoConfig]) -> str:
    """Say in which channels which repositories are deployed."""
    served = ", ".join(f"<#{repo.channel}> ({inline(repo.name)})" for repo in repos[:20])
    return f"I deploy nothing in this channel. Talk to me in: {served or 'no channel yet'}."


def _carried(repo: str, ts: str, root: str, words: str) -> str:
    """Pack the words into a button's value, cut until they fit."""
    room = CARRIED_WORDS
    while True:
        text = words if len(words) <= room else words[:room].rstrip() + "…"
        value = RepoChoice(repo=repo, ts=ts, root=root, text=text).model_dump_json()
        if len(value) <= VALUE_LIMIT:
            return value
        room -= max(1, len(value) - VALUE_LIMIT)

"""`deploybot token` and `deploybot approve`: what the buttons of a card do, while Slack is down."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import signed
from app.configuration import load_repos_after
from app.core import clicks, duration, ledger
from app.core.cards import Card
from app.core.clicks import Accepted, Click, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict, UserError
from app.core.events import PlanStep
from app.core.fold import fold
from app.core.ports import Look, Write
from app.core.shadow import in_shadow
from app.core.untrusted import one_line
from app.core.writing import short, utc
from app.parts import build_deployers, build_github, open_log
from app.plain import plain
from app.redis.log import RedisLog
from app.settings import Settings, load_settings, read_settings
from app.signed import Token
from app.tables import APPROVER_ID, USER_ID

TRIES = 10
TYPED = 8
HASH = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with which card; `hash_typed` spares the question for it."""

    thread_id: str
    call_id: str = ""
    hash_typed: str = ""
    reject: bool = False
    reason: str = ""


def make_token(user: str, groups: Sequence[str], lasts: str) -> int:
    """Print a token for a user; raise `UserError` for what is none, or without a key."""
    if not USER_ID.fullmatch(user):
        raise UserError(f"--user has to be a Slack user id (U…), and {user!r} is not.")
    for group in groups:
        if not APPROVER_ID.fullmatch(group) or not group.startswith("S"):
            raise UserError(f"--group has to be a Slack user group id (S…), and {group!r} is not.")
    try:
        seconds = duration.seconds(lasts)
    except ValueError as error:
        raise UserError(f"--for: {error}.") from None
    key = load_settings().deploybot_signing_key
    sys.stdout.write(f"{signed.sign(key, user, groups, int(time.time()), seconds)}\n")
    return 0


async def decide(wish: Wish, token_file: Path | None, ask: Callable[[str], str] = input) -> int:
    """Show a card and approve or reject it for whom the token names; raise `UserError` if not."""
    settings, problems = read_settings()
    if not settings.deploybot_signing_key:
        raise UserError(signed.NO_KEY)
    deployers = build_deployers(settings, build_github(settings))
    repos = load_repos_after(problems, settings.deploybot_config, deployers)
    text = _token(settings, token_file)
    name = wish.thread_id.rpartition("/")[0]
    if name not in repos:
        raise UserError(f"{one_line(wish.thread_id)!r} is in no repository that is configured.")
    if why := in_shadow([repos[name]]):
        raise UserError(plain(why, repos[name]))
    async with open_log(settings, is_there=True) as log:
        now = await log.now(name) // 1000
        token = signed.read(settings.deploybot_signing_key, text, now)
        call_id = await _confirmed(log, repos[name], wish, ask)
        sys.stdout.write(f"{await settled(log, repos[name], wish, call_id, token)}\n")
    return 0


def _token(settings: Settings, token_file: Path | None) -> str:
    if token_file is None:
        if settings.deploybot_token:
            return settings.deploybot_token
        raise UserError("Name a file with your token by --token-file, or set DEPLOYBOT_TOKEN.")
    try:
        return token_file.read_text(encoding="ascii")
    except (OSError, ValueError):
        raise UserError(f"{str(token_file)!r} cannot be read, or holds no token.") from None


async def _confirmed(log: RedisLog, repo: RepoConfig, wish: Wish, ask: Callable[[str], str]) -> str:
    """Show the card, and have the first characters of its hash typed; return its call's id."""
    state = fold(await log.read(wish.thread_id))
    waiting = state.pending or state.ahead
    card = state.cards.get(wish.call_id) if wish.call_id else waiting
    if card is None:
        which = f"the card {wish.call_id!r}" if wish.call_id else "no card that waits"
        known = "has not" if wish.call_id else "has"
        raise UserError(f"{wish.thread_id} {known} {which}.")
    sys.stdout.writelines(f"{one_line(line)}\n" for line in _shown(card, repo))
    spec_hash = card.request.spec_hash
    typed = wish.hash_typed
    if not typed:
        verb = "reject" if wish.reject else "approve"
        sys.stdout.flush()
        typed = _asked(ask, f"Type the first {TYPED} characters of the hash to {verb} it: ")
    if not HASH.fullmatch(typed) or not spec_hash.startswith(typed):
        raise UserError("That is not the hash of this card, so nothing was recorded.")
    return card.request.call_id


def _asked(ask: Callable[[str], str], question: str) -> str:
    try:
        return ask(question).strip().lower()
    except EOFError:
        return ""


def _shown(card: Card, repo: RepoConfig) -> Iterator[str]:
    """Yield everything that the card in Slack shows and that a decision is about, in plain text."""
    for step in card.steps:
        yield from _step(card, step, repo)
    yield f"expires: {utc(card.expires_at)}"
    yield f"hash: {card.request.spec_hash}"


def _step(card: Card, step: PlanStep, repo: RepoConfig) -> Iterator[str]:
    spec, facts = step.spec, step.facts
    was = "" if spec.kind == "job" else f"{spec.production_was or 'an unknown version'} -> "
    yield f"{spec.kind} {spec.service} in {spec.environment}: {was}{spec.sha}"
    yield f"{spec.tool}(sha={json.dumps(spec.sha)}) by deployer {spec.deployer} with"
    for key, value in sorted(spec.arguments.items()):
        yield f"  {key} = {json.dumps(value)}"
    for commit in facts.commits:
        yield f"  commit {short(commit.sha)} {commit.author}: {commit.title}"
    if facts.commits_total > len(facts.commits):
        yield f"  … and {facts.commits_total - len(facts.commits)} more commits"
    for job, files in facts.jobs.items():
        yield f"{job}: {', '.join(files.names)} ({files.total} in all)"
    untold = "not over, this runs when it is green" if card.is_ahead else "unknown"
    yield f"staging: {facts.staging or untold}"
    yield f"approvals: {card.needed(step) - card.missing(step)} of {card.needed(step)}"
    if facts.risky:
        yield f"risky: {facts.risky}"
    for fact in facts.unchecked:
        yield f"not checked: {fact}"
    if facts.hold:
        yield plain(facts.hold, repo)


async def settled(log: RedisLog, repo: RepoConfig, wish: Wish, call_id: str, token: Token) -> str:
    """Append what the button would, under the same rules; return what to say of it."""
    act = clicks.reject if wish.reject else clicks.approve
    for _ in range(TRIES):
        here = await log.look(wish.thread_id)
        click = _click(here, repo, call_id, token, wish.reason)
        decision = act(click)
        if isinstance(decision, Refused):
            raise UserError(plain(decision.sentence, repo))
        try:
            await log.append(_write(click, decision))
        except Conflict:
            continue
        done = "rejected" if wish.reject else "approved"
        return f"{done} by {click.user}, on the command line with token {token.token_id}."
    raise UserError("The thread changes all the time, so nothing was recorded. Try again.")


def _click(here: Look, repo: RepoConfig, call_id: str, token: Token, text: str) -> Click:
    state = fold(here.entries)
    return Click(state, repo, token.person, call_id, here.now, here.facts, text, token.token_id)


def _write(click: Click, decision: Accepted) -> Write:
    return ledger.write(click.state, decision.events, click.now, click.state.version)

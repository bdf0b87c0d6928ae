"""`deploybot threads`: the newest threads, and the events of one, as the log has them."""

import sys
from datetime import UTC, datetime

from app.core.errors import UserError
from app.core.fold import fold
from app.core.state import State
from app.core.untrusted import one_line
from app.main import build_deployers, open_log
from app.settings import load_repos, load_settings

NEWEST = 50


async def list_threads() -> int:
    """Print a line for each of the newest threads of every repository."""
    settings = load_settings()
    repos = load_repos(settings.deploybot_config, build_deployers(settings))
    async with open_log(settings) as log:
        for repo in repos:
            for thread_id in await log.threads(repo, NEWEST):
                state = fold(await log.read(thread_id))
                began = _time(state.started_at)
                sha = (state.sha or "")[:7]
                sys.stdout.write(f"{thread_id}  {began}  {sha:7}  {_waits_for(state)}\n")
    return 0


async def show_thread(thread_id: str) -> int:
    """Print every event of a thread; raise `UserError` if there is none."""
    async with open_log(load_settings()) as log:
        entries = await log.read(thread_id)
    if not entries:
        raise UserError(f"There is no thread {thread_id!r}. `deploybot threads list` lists them.")
    for entry in entries:
        fields = entry.event.model_dump_json(exclude={"type"}, exclude_defaults=True)
        sys.stdout.write(f"{_time(entry.at)}  {entry.event.type}  {fields}\n")
    return 0


def _waits_for(state: State) -> str:
    """Say what a thread waits for, "" if it waits for nobody."""
    if state.pending:
        spec = state.pending.request.spec
        until = _time(spec.expires_at)
        return f"approval: {spec.kind} {spec.service} {spec.sha[:7]}, until {until}"
    if state.unknown:
        return f"somebody to say whether {state.unknown.attempt.service} was changed"
    return f"an answer: {one_line(state.question.text)}" if state.question else ""


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(" ", "milliseconds")[:23]

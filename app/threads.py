"""`deploybot threads`: the newest threads, and the events of one, as the log has them."""

import sys
import time
from collections.abc import Mapping

from app.configuration import load_repos_after
from app.core.config import RepoConfig
from app.core.errors import UserError
from app.core.fold import fold
from app.core.state import State
from app.core.untrusted import cut, one_line
from app.core.what_waits import only_opened
from app.core.writing import exact_time
from app.parts import build_deployers, build_github, open_log
from app.plain import plain
from app.settings import load_settings, read_settings
from app.slack.messages import render

NEWEST = 50
MAX_WORDS = 120


async def list_threads() -> int:
    """Print a line for each of the newest threads of every repository."""
    settings, problems = read_settings()
    repos = load_repos_after(
        problems, settings.deploybot_config, build_deployers(settings, build_github(settings))
    )
    async with open_log(settings, is_there=True) as log:
        for name, repo in repos.items():
            facts = await log.facts(name)
            for thread_id in await log.threads(name, NEWEST):
                state = fold(await log.read(thread_id))
                began = exact_time(state.started_at)
                sha = (state.sha or "")[:7]
                sys.stdout.write(f"{thread_id}  {began}  {sha:7}  {_state(state, repo, facts)}\n")
    return 0


async def show_thread(thread_id: str) -> int:
    """Print every event of a thread; raise `UserError` if there is none."""
    async with open_log(load_settings(), is_there=True) as log:
        entries = await log.read(thread_id)
    if not entries:
        raise UserError(f"There is no thread {thread_id!r}. `deploybot threads list` lists them.")
    for entry in entries:
        fields = entry.event.model_dump_json(exclude={"type"}, exclude_defaults=True)
        sys.stdout.write(f"{exact_time(entry.at)}  {entry.event.type}  {fields}\n")
    return 0


def _state(state: State, repo: RepoConfig, facts: Mapping[str, str]) -> str:
    """Say what a thread is about and does now, in the words of its status message."""
    if state.shadow:
        proposed = ", ".join(f"{service} {sha[:7]}" for service, sha in state.proposals)
        return f"in shadow mode: proposed {proposed or 'nothing'}"
    if state.touches_nothing:
        return "touches no service"
    if _only_answered(state):
        asked = state.words[-1]
        return one_line(plain(f"answered <@{asked.user}>: “{cut(asked.text, MAX_WORDS)}”", repo))
    said = render(state, repo, round(time.time() * 1000), facts)["status"].text
    title = f"Deploy {state.sha[:7]} · " if state.sha else ""
    return one_line(plain(said.removeprefix(title), repo))


def _only_answered(state: State) -> bool:
    """Tell whether a person's mention got its answer, and nothing else came of it."""
    goes_on = state.turn_due or state.question or state.wait or state.stopped_by or state.newer
    return only_opened(state) and bool(state.words) and not goes_on

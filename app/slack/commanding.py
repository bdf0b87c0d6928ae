"""What the slash command answers: what waits and what is locked, as the log has it, and help."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from app.core import what_waits
from app.core.config import RepoConfig
from app.core.fold import fold
from app.core.lock_words import is_about_locks
from app.core.ports import ThreadLog
from app.core.shadow import in_shadow
from app.core.state import State
from app.slack.forms import HELP, blocks_lines, channels_line, waiting_line
from app.slack.hearing import Hearing
from app.slack.locking import Locking
from app.slack.messages.answer import answer_lines
from app.slack.payloads import Command
from app.slack.text import inline, joined

LISTED_THREADS = 20
ANSWER_LIMIT = 3000
NOTHING_WAITS = "Nothing waits for anybody here."
NOTHING_LOCKED = "Nothing is locked or frozen here."

Answering = Callable[["Commanding", Sequence[RepoConfig]], Awaitable[str]]


class Commanding:
    """Answers the command; what locks and unlocks is another's matter."""

    def __init__(
        self,
        repos: Mapping[str, RepoConfig],
        log: ThreadLog,
        hearing: Hearing,
        locking: Locking,
    ) -> None:
        """Read this log; `hearing` knows which repositories a channel is for."""
        self._repos = repos
        self._log = log
        self._hearing = hearing
        self._locking = locking

    async def answer(self, command: Command) -> str:
        """Return what to tell who gave it."""
        about_locks, answering = is_about_locks(command.text), ANSWERS.get(_said(command.text))
        if answering is None and not about_locks:
            return HELP
        repos = self._hearing.repos_of(command.channel_id)
        if not repos:
            return channels_line(list(self._repos.values()))
        if why := in_shadow(repos):
            return why
        if answering:
            return await answering(self, repos)
        live = [repo for repo in repos if repo.mode == "live"]
        return await self._locking.command(live, command)

    async def newest(self, repos: Sequence[RepoConfig]) -> list[State]:
        """Return the newest threads of repositories."""
        ids = [
            thread_id
            for repo in repos
            for thread_id in await self._log.threads(repo.name, LISTED_THREADS)
        ]
        return await self._folded(ids)

    async def status(self, repos: Sequence[RepoConfig]) -> str:
        """Say what waits, and what is locked or frozen."""
        waiting = [waiting_line(state) for state in await self.newest(repos)]
        return _listed([*waiting, *await self._blocks(repos)]) or NOTHING_WAITS

    async def locked(self, repos: Sequence[RepoConfig]) -> str:
        """Say what is locked or frozen."""
        return _listed(await self._blocks(repos)) or NOTHING_LOCKED

    async def waiting(self, repos: Sequence[RepoConfig]) -> str:
        """Answer as the agent does to who asks it what waits."""
        lines: list[str] = []
        for repo in repos:
            facts, now = await self._log.facts(repo.name), await self._log.now(repo.name)
            newest = await self._log.threads(repo.name, what_waits.THREADS)
            threads = await self._folded(what_waits.to_read(newest, facts))
            answer = what_waits.waiting(repo, threads, facts, now)
            title, *told = answer_lines(answer, repo, facts)
            lines += [f"*{inline(repo.name)}:* {title}" if len(repos) > 1 else title, *told]
        return joined(lines, ANSWER_LIMIT)

    async def _blocks(self, repos: Sequence[RepoConfig]) -> list[str]:
        lines: list[str] = []
        for repo in repos:
            facts, now = await self._log.facts(repo.name), await self._log.now(repo.name)
            lines += blocks_lines(repo, facts, now)
        return lines

    async def _folded(self, ids: Sequence[str]) -> list[State]:
        return [fold(await self._log.read(thread_id)) for thread_id in ids]


def _said(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").split()).rstrip(" ?!.")


def _listed(lines: Sequence[str]) -> str:
    return joined([f"• {line}" for line in lines if line], ANSWER_LIMIT)


ANSWERS: Mapping[str, Answering] = {
    "status": Commanding.status,
    "locks": Commanding.locked,
    "what is locked": Commanding.locked,
    "what's locked": Commanding.locked,
    "waiting": Commanding.waiting,
    "what is waiting": Commanding.waiting,
    "what's waiting": Commanding.waiting,
    "what waits": Commanding.waiting,
}

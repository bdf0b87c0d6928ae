"""The merges that go out with a step, or that it takes out, and whose changes they are."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from app.core import way_back
from app.core.errors import SourceMissing, SourceUnavailable
from app.core.events import PullRequest
from app.core.fold import fold
from app.core.happened import records
from app.core.ids import thread_id_for
from app.core.ports import HISTORY_KEPT
from app.core.spec import EffectKind
from app.core.state import State
from tools.changes import Change
from tools.tool import Desk, SourceNeeded

PUSHER_NOT_ASKED = "the last pusher could not be asked for"

Owned = tuple[list[str], list[str]]  # the logins of a change's people, and what was not compared


class Riders:
    """What is known of the merges of one card's commits; each of them is asked about once.

    `read` has the number of events that were read of each of their threads.
    """

    def __init__(self, desk: Desk) -> None:
        self.read: dict[str, int] = {}
        self._desk = desk
        own = desk.state if desk.state.pull_request else None
        self._threads: dict[str, State | None] = {own.sha or "": own} if own else {}
        self._owned: dict[str, Owned] = {}
        self._is_away = False

    async def merges(self, kind: EffectKind, name: str, sha: str, change: Change) -> list[State]:
        """Return the threads of the other merges that a step brings to its service or job.

        So is the merge of its very commit, where another thread than that one's asks.
        """
        if kind == "rollback":
            return []
        shas = [sha, *(commit.sha for commit in change.commits), *self._carried(sha)]
        found = await self._of(name, shas)
        return [each for each in found if each.thread_id != self._desk.state.thread_id]

    async def _of(self, name: str, shas: Iterable[str]) -> list[State]:
        """Return the threads of the merges of some commits that change a service."""
        threads = [await self._thread(each) for each in dict.fromkeys(shas)]
        return [each for each in threads if each and each.sha and not each.is_untouched(name)]

    async def taken_out(
        self, kind: EffectKind, name: str, was: str | None, sha: str, change: Change
    ) -> list[State]:
        """Return the threads of the merges that a rollback takes out of its service.

        They are among its commits; where nobody could say those, among what is recorded of it.
        """
        if kind != "rollback":
            return []
        desk = self._desk
        happened = records(await desk.log.history(desk.repo.name, HISTORY_KEPT))
        came = way_back.came_since(happened, name, sha)
        known = [*([was] if was else []), *(record.sha for record in came)]
        found = await self._of(name, [*known, *(commit.sha for commit in change.commits)])
        rode = [pull.sha for state in found for pull in state.carried.values()]
        both = [*found, *await self._of(name, rode)]
        return list({state.thread_id: state for state in both}.values())

    async def barred(
        self, kind: EffectKind, name: str, sha: str, change: Change, merges: Sequence[State]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the users who may not approve their own change, and what was not compared.

        Each of the other merges counts like it: those that go out with it, or are taken out.
        """
        desk = self._desk
        if desk.repo.allow_self_approval:
            return (), ()
        shas = (sha, *self._carried(sha), *(merge.sha or "" for merge in merges))
        owned = [await self._owners(kind, each) for each in dict.fromkeys(shas)]
        owned.append(await self._others(name, sha, change))
        logins = [login for found, _ in owned for login in found if login]
        notes = [note for _, told in owned for note in told]
        users = {login: desk.repo.slack_user(login) for login in logins}
        unmapped = [login for login, user in users.items() if user is None]
        notes += [f"{login} has no Slack user here, so was not compared" for login in unmapped]
        barred = dict.fromkeys(user for user in users.values() if user)
        return tuple(barred), tuple(dict.fromkeys(notes))

    def _carried(self, sha: str) -> list[str]:
        """Return the commits of the merges that are known to ship with this one."""
        state = self._desk.state
        return [pull.sha for pull in state.carried.values()] if state.sha == sha else []

    async def _others(self, name: str, sha: str, change: Change) -> Owned:
        """Return who wrote the commits that are of no merge known here, and how many are hidden.

        Where a service has `paths`, nobody knows whether such a commit is about it at all.
        """
        hidden = change.total - len(change.commits)
        notes = [f"whose changes the {hidden} oldest commits are"] if hidden > 0 else []
        if self._desk.repo.production.targets[name].paths:
            return [], notes
        others = [each for each in change.commits if each.sha != sha]
        return [c.author for c in others if await self._thread(c.sha) is None], notes

    async def _thread(self, sha: str) -> State | None:
        """Return the thread of a commit's merge, None if there is none."""
        if sha not in self._threads:
            desk = self._desk
            thread_id = thread_id_for(desk.repo.name, desk.repo.branch, sha)
            entries = await desk.log.read(thread_id)
            self._threads[sha] = fold(entries) if entries else None
            self.read[thread_id] = len(entries)
        return self._threads[sha]

    async def _owners(self, kind: EffectKind, sha: str) -> Owned:
        if sha not in self._owned:
            self._owned[sha] = await self._asked_for(kind, sha)
        return self._owned[sha]

    async def _asked_for(self, kind: EffectKind, sha: str) -> Owned:
        thread = await self._thread(sha)
        pull_request = thread.pull_request if thread else None
        if pull_request is None:
            return await self._author(sha)
        return await self._people(kind, pull_request)

    async def _people(self, kind: EffectKind, pull_request: PullRequest) -> Owned:
        logins, source = [pull_request.author, pull_request.merged_by], self._desk.source
        if source is None:
            return logins, ["the last pusher is unknown without GitHub credentials"]
        if self._is_away:
            return logins, [PUSHER_NOT_ASKED]
        try:
            pushers = await source.pushers(self._desk.repo.name, pull_request.number)
        except SourceUnavailable as error:
            if kind != "rollback" and not isinstance(error, SourceMissing):
                raise SourceNeeded(error) from None
            # A rollback is wanted in a hurry: it does not wait for the same silence again.
            self._is_away = not isinstance(error, SourceMissing)
            return logins, [PUSHER_NOT_ASKED]
        return [*logins, *pushers], []

    async def _author(self, sha: str) -> Owned:
        """Return who wrote a commit that no thread knows the merge of."""
        desk = self._desk
        known = desk.state.known.get(sha)
        author = known.author if known else ""
        if not author and desk.source is not None:
            with suppress(SourceUnavailable):
                commit = await desk.source.commit(desk.repo.name, sha)
                author = commit.author if commit else ""
        others = "merged or pushed" if author else "wrote, merged or pushed"
        note = f"who {others} this commit is unknown, so was not compared"
        return [author] if author else [], [note]

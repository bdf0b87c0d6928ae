"""What a person writes becomes an event of a thread, or an answer that only that person sees."""

from collections.abc import Mapping, Sequence

from app.core import ahead_clicks, lane_clicks, lanes, ledger
from app.core.clicks import Click, Decision, Refused
from app.core.config import RepoConfig
from app.core.errors import Conflict
from app.core.events import HumanSaid, ThreadStarted
from app.core.fold import fold
from app.core.happened import place
from app.core.ids import thread_id_for
from app.core.lock_form import NotOfTheForm
from app.core.lock_words import is_about_locks
from app.core.policy import Person
from app.core.ports import Look, ThreadLog, Write
from app.core.shadow import asks_for_production, in_shadow, seen_on_production
from app.core.state import State
from app.core.thread_clicks import said
from app.core.what_waits import THREADS
from app.core.words import is_approval, is_continue, is_stop, is_urgent
from app.slack.forms import HELP, WHICH_REPO, channels_line, which_repo
from app.slack.locking import Locking
from app.slack.messages.answer import answer_lines
from app.slack.payloads import Heard, RepoChoice
from app.slack.permalinks import permalink
from app.slack.text import link
from app.slack.whispers import Whispers

TRIES = 10
IN_THE_THREAD = "Say that in the thread that you mean."
NOT_URGENT = "Nothing is urgent by that: say it in the thread of the merge that is to go first"
NOTHING_SAID = "Yes? Say what you want me to do, or ask something."


class Hearing:
    """Listens in the channels of the configured repositories."""

    def __init__(
        self,
        repos: Mapping[str, RepoConfig],
        log: ThreadLog,
        whispers: Whispers,
        locking: Locking,
    ) -> None:
        """Write to this log, and answer by these whispers; locks are another's matter."""
        self._repos = repos
        self._log = log
        self._whispers = whispers
        self._locking = locking

    async def hear(self, heard: Heard) -> None:
        """Take up what was written, once, however often and in whatever form it arrives."""
        repos = self.repos_of(heard.channel)
        thread_id = await self.find(heard.channel, heard.root_ts)
        here = bool(thread_id and heard.thread_ts)
        meant = [self._repos[thread_id.rpartition("/")[0]]] if thread_id else repos
        if (here or heard.is_mention) and (why := in_shadow(meant)):
            told = [await self._seen(repo) for repo in meant if asks_for_production(heard.text)]
            self._answer(heard, "\n".join(told) or why)
            return
        repos = [repo for repo in repos if repo.mode == "live"]
        if (here or (heard.is_mention and repos)) and is_about_locks(heard.text):
            await self._lock(meant if thread_id else repos, thread_id, heard)
        elif thread_id and heard.thread_ts:
            await self._reply(thread_id, heard)
        elif heard.is_mention and repos and not thread_id:
            await self._open(repos, heard)
        elif (heard.is_mention and not repos) or (heard.is_direct and not heard.thread_ts):
            self._answer(heard, channels_line(list(self._repos.values())))

    async def choose_repo(self, user: str, channel: str, choice: RepoChoice) -> str:
        """Start the thread whose repository was asked for; return what to tell the person."""
        repo = self._repos.get(choice.repo)
        if repo is None or channel not in repo.channels or repo.mode == "shadow":
            return "That repository is not deployed from this channel any more."
        if await self.find(channel, choice.root):
            return "That is already under way: see its thread."
        heard = Heard(
            event_id=f"choice:{channel}|{choice.ts}",
            channel=channel,
            user=user,
            text=choice.text,
            ts=choice.ts,
            thread_ts=choice.root,
        )
        await self._start(repo, heard)
        return ""

    async def find(self, channel: str, ts: str) -> str | None:
        """Return the thread that a Slack thread belongs to."""
        for repo in self.repos_of(channel):
            thread_id = await self._log.find(repo.name, channel, ts)
            if thread_id:
                return thread_id
        return None

    def repos_of(self, channel: str) -> list[RepoConfig]:
        """Return the repositories that are deployed from a channel."""
        return [repo for repo in self._repos.values() if channel in repo.channels]

    async def _open(self, repos: Sequence[RepoConfig], heard: Heard) -> None:
        words = heard.text
        if is_urgent(words):
            await self._say_where_urgent(repos[0], heard)
            return
        if not words or is_stop(words) or is_continue(words) or is_approval(words):
            answer = IN_THE_THREAD if words else HELP
            if await self._first_time(repos[0], heard):
                self._answer(heard, answer)
            return
        named = _named(repos, words)
        if len(named) == 1:
            await self._start(named[0], heard)
        elif await self._first_time(repos[0], heard):
            blocks = which_repo(repos, heard.ts, heard.root_ts, words)
            self._whispers.ask(heard.channel, heard.user, WHICH_REPO, blocks, heard.thread_ts)

    async def _seen(self, repo: RepoConfig) -> str:
        """Say what production of a repository in shadow mode runs."""
        ids = await self._log.threads(repo.name, THREADS)
        states = [fold(await self._log.read(thread_id)) for thread_id in ids]
        facts = await self._log.facts(repo.name)
        return "\n".join(answer_lines(seen_on_production(repo, states), repo, facts))

    async def _say_where_urgent(self, repo: RepoConfig, heard: Heard) -> None:
        """Say that nothing became urgent, and lead to the newest merge that can."""
        if not await self._first_time(repo, heard):
            return
        facts = await self._log.facts(repo.name)
        waiting = [merge for merge in lanes.merges(facts) if merge.stage in lanes.BEFORE]
        if not waiting:
            self._answer(heard, f"{NOT_URGENT}.")
            return
        newest = waiting[-1]
        at = place(fold(await self._log.read(newest.thread_id)))
        where = permalink(facts, at) if at else ""
        named = link(where or newest.pull.url, lanes.named(newest.pull))
        self._answer(heard, f"{NOT_URGENT}. The newest that waits is {named}.")

    async def _start(self, repo: RepoConfig, heard: Heard) -> None:
        thread_id = thread_id_for(repo.name, heard.channel, heard.root_ts)
        started = ThreadStarted(
            thread_id=thread_id,
            repo=repo.name,
            branch=repo.branch,
            channel=heard.channel,
            origin="mention",
            asked_by=heard.user,
            root_ts=heard.root_ts,
        )
        words = HumanSaid(user=heard.user, text=heard.text, ts=heard.ts)
        index = [f"{heard.channel}|{heard.root_ts}"]
        write = Write(thread_id, [started, words], version=0, dedupe=heard.keys, index=index)
        try:
            await self._log.append(write)
        except Conflict:
            await self._reply(thread_id, heard)

    async def _lock(self, repos: Sequence[RepoConfig], thread_id: str | None, heard: Heard) -> None:
        """Let code lock and unlock; a reply that only begins so is said to the thread."""
        try:
            await self._locking.hear(repos, thread_id, heard)
        except NotOfTheForm as other:
            if thread_id:
                await self._reply(thread_id, heard, str(other) if other.near else "")

    async def _reply(self, thread_id: str, heard: Heard, hint: str = "") -> None:
        if not heard.text:
            if heard.is_mention:
                self._answer(heard, NOTHING_SAID)
            return
        for _ in range(TRIES):
            here = await self._log.look(thread_id)
            state = fold(here.entries)
            decision = self._decide(state, here, heard)
            try:
                fresh = await self._log.append(_write(state, decision, heard, here.now))
            except Conflict:
                continue
            answer = decision.sentence if isinstance(decision, Refused) else hint
            if fresh and answer:
                self._answer(heard, answer)
            return
        raise Conflict(thread_id)

    def _decide(self, state: State, here: Look, heard: Heard) -> Decision:
        repo, person = self._repos[state.repo], Person(heard.user)
        click = Click(state, repo, person, "", here.now, here.facts, heard.text)
        code = lane_clicks.heard(click) or ahead_clicks.heard(click)
        return code or said(state, heard.user, heard.text, heard.ts)

    async def _first_time(self, repo: RepoConfig, heard: Heard) -> bool:
        # Not the message's own key: a chosen repository still has to be able to take the words.
        thread_id = thread_id_for(repo.name, heard.channel, heard.root_ts)
        key = f"slack:answered:{heard.channel}|{heard.ts}"
        return await self._log.append(Write(thread_id, [], dedupe=[key], silent=True)) is not None

    def _answer(self, heard: Heard, text: str) -> None:
        self._whispers.tell(heard.channel, heard.user, text, heard.thread_ts)


def _write(state: State, decision: Decision, heard: Heard, now: int) -> Write:
    """Build the write of a reply; one that is only answered is remembered as answered."""
    if isinstance(decision, Refused):
        return Write(state.thread_id, [], dedupe=heard.keys, silent=True)
    return ledger.write(
        state, decision.events, now, state.version, dedupe=heard.keys, expects=decision.expects
    )


def _named(repos: Sequence[RepoConfig], text: str) -> list[RepoConfig]:
    """Return the repositories that the words can mean: all where none is named."""
    if len(repos) == 1:
        return list(repos)
    words = {word.strip(".,:;!?\"'()`*").lower() for word in text.split()}
    full = [repo for repo in repos if repo.name.lower() in words]
    short = [repo for repo in repos if repo.name.rpartition("/")[2].lower() in words]
    return full or short or list(repos)

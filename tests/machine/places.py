"""Two repositories, their commits, and everybody who may or may not decide about them."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from app.core.config import EnvironmentConfig, RepoConfig, TargetConfig
from app.core.errors import ModelUnavailable, SourceUnavailable
from app.core.events import Commit, PullRequest
from app.core.freezes import Freeze
from app.core.hours import Hours
from app.core.policy import Person
from app.core.ports import Comparison, ModelAnswer, Turn
from app.core.workflows import WorkflowRun
from app.model.offline import OfflinePlanner
from tests.machine.targets import Recovery

ALICE, BOB, CARA, ERIN = "U01ALICE", "U02BOB", "U03CARA", "U05ERIN"
GONE, GUEST, ROBOT = "U06GONE", "U07GUEST", "U08ROBOT"
PEOPLE = {"alice": ALICE, "bob": BOB, "cara": CARA, "erin": ERIN}
FLAGS = {
    GONE: Person(GONE, deleted=True),
    GUEST: Person(GUEST, restricted=True),
    ROBOT: Person(ROBOT, is_bot=True),
}
MAY_APPROVE = frozenset({BOB, CARA, ERIN})
CROWD = (BOB, CARA, ERIN, BOB, CARA, ERIN, ALICE, GONE, GUEST, ROBOT)

SHOP, BLOG = "acme/shop", "acme/blog"
COMMITS = 6
FOREIGN = "f0" * 20
HOUR_MS = 3600 * 1000
OBJECTION = "not before noon, there is a demo"  # which no planner understands
DAYS = Hours(frozenset(range(7)), 8 * 60, 20 * 60, UTC)

# What the pull requests change, in turn; the api and the migration alone have paths.
FILES = (["api/app.py", "web/a.ts"], ["web/a.ts"], ["README.md", "api/old.py"])
PATHS = {f"{BLOG}/production/api": ("api/**",), f"{BLOG}/production/migrate": ("api/old.py",)}


@dataclass
class Season:
    """A freeze of everything that the machine begins and ends; in milliseconds."""

    begin: int = 0
    end: int = 0

    def window(self, now: int) -> tuple[int, int] | None:
        return (self.begin, self.end) if self.begin <= now < self.end else None

    def next_start(self, now: int) -> int | None:
        return self.begin if now < self.begin else None


SEASON = Season()


class Hourly:
    """Asks about what is merged but not on production at each full hour."""

    def last_start(self, now: int) -> int | None:
        return now // HOUR_MS * HOUR_MS


def _target(repo: str, environment: str, name: str, deployer: Recovery) -> TargetConfig:
    where = f"{repo}/{environment}/{name}"
    return TargetConfig(
        deployer=deployer,
        options={"where": where},
        paths=PATHS.get(where, ()),
        before="api" if name == "migrate" else None,
    )


def _environment(repo: str, name: str, e2e: Recovery, **services: Recovery) -> EnvironmentConfig:
    return EnvironmentConfig(
        e2e=_target(repo, name, "e2e", e2e),
        services={each: _target(repo, name, each, kind) for each, kind in services.items()},
    )


def _repo(
    name: str,
    channel: str,
    needed: int,
    staging: EnvironmentConfig,
    production: EnvironmentConfig,
    **more: Any,
) -> RepoConfig:
    return RepoConfig(
        name=name,
        branch="main",
        channel=channel,
        approvers=(BOB, CARA, ERIN, GONE, GUEST, ROBOT),
        approvals_needed=needed,
        people=PEOPLE,
        freeze=(Freeze(calendar=SEASON, reason="season"),),
        undeployed=Hourly(),
        escalate_to=(ALICE,),
        staging=staging,
        production=production,
        **more,
    )


# One asks about each step and about newer merges, the other about a plan, which needs two people.
REPOS = {
    SHOP: _repo(
        SHOP,
        "C01SHOP",
        1,
        staging=_environment(SHOP, "staging", "keyed", frontend="keyed", backend="queryable"),
        production=_environment(SHOP, "production", "keyed", frontend="keyed", backend="queryable"),
    ),
    BLOG: _repo(
        BLOG,
        "C02BLOG",
        2,
        staging=_environment(BLOG, "staging", "blind", site="blind"),
        production=_environment(
            BLOG, "production", "queryable", site="blind", api="queryable"
        ).model_copy(update={"jobs": {"migrate": _target(BLOG, "production", "migrate", "keyed")}}),
        approval="plan",
        supersede="newest",
        hours=DAYS,
    ),
}
NAMES = tuple(REPOS)
_LIVE_BLOG = REPOS[BLOG]


def only_watch_the_blog(is_watched: bool) -> None:
    """Put the blog into shadow mode, or take it out of it, for all that follows."""
    mode = {"mode": "shadow"} if is_watched else {}
    REPOS[BLOG] = _LIVE_BLOG.model_copy(update=mode)


def _sha(repo: str, index: int) -> str:
    return hashlib.sha1(f"{repo} {index}".encode()).hexdigest()


BRANCH = {repo: [_sha(repo, index) for index in range(COMMITS)] for repo in REPOS}
ORDER = {sha: index for branch in BRANCH.values() for index, sha in enumerate(branch)}
_AUTHORS = ("alice", "bob", "dependabot[bot]", "cara", "alice", "bob")
_MERGERS = ("alice", "alice", "erin", "bob", "bob", "alice")
_PUSHERS = ("alice", "bob", "dependabot[bot]", "cara", "cara", "bob")


def author_of(sha: str) -> str:
    """Return the login of who wrote a commit."""
    return _AUTHORS[ORDER[sha]]


def owners_of(sha: str, merge_seen: bool, pusher_asked: bool) -> frozenset[str]:
    """Return the Slack users whose own change a commit is: who wrote it, merged it, pushed it.

    The last two are known of merges that GitHub told of, who pushed if GitHub could be asked.
    """
    index = ORDER[sha]
    logins = {_AUTHORS[index], *((_MERGERS[index],) if merge_seen else ())}
    if merge_seen and pusher_asked:
        logins.add(_PUSHERS[index])
    return frozenset(PEOPLE[login] for login in logins if login in PEOPLE)


def pull_request(repo: str, index: int) -> PullRequest:
    """Return the pull request that brought a commit."""
    return PullRequest(
        number=index,
        title=f"Change {index}",
        url=f"https://github.com/{repo}/pull/{index}",
        author=_AUTHORS[index],
        merged_by=_MERGERS[index],
    )


class Crowd:
    """Says of people what Slack would."""

    async def person(self, user_id: str, approvers: object) -> Person:
        return FLAGS.get(user_id, Person(user_id))

    async def is_shared(self, channel: str) -> bool:
        return False


@dataclass
class GitHub:
    """Knows both branches, and can be away."""

    away: bool = False

    async def commit(self, repo: str, ref: str) -> Commit | None:
        self._ask()
        found = [sha for sha in BRANCH[repo] if sha.startswith(ref)]
        return Commit(sha=found[0], author=author_of(found[0])) if len(found) == 1 else None

    async def commits(self, repo: str, branch: str, limit: int) -> list[Commit]:
        self._ask()
        newest = reversed(BRANCH[repo])
        return [Commit(sha=sha, author=author_of(sha)) for sha in newest][:limit]

    async def compare(self, repo: str, base: str, head: str) -> Comparison:
        self._ask()
        head = BRANCH[repo][-1] if head == "main" else head
        behind, ahead = ORDER.get(base, 0) - ORDER.get(head, 0), 0
        if behind < 0:
            behind, ahead = 0, -behind
        new = BRANCH[repo][ORDER.get(base, 0) + 1 : ORDER.get(head, 0) + 1]
        commits = tuple(Commit(sha=sha, author=author_of(sha)) for sha in reversed(new))
        return Comparison(commits, ahead, behind)

    async def files(self, repo: str, pull_request: int) -> list[str]:
        self._ask()
        return FILES[pull_request % len(FILES)]

    async def pushers(self, repo: str, pull_request: int) -> list[str]:
        self._ask()
        return [_PUSHERS[pull_request]]

    async def tags(self, repo: str, limit: int) -> list[tuple[str, str]]:
        self._ask()
        return []

    async def workflow_runs(self, repo: str, limit: int, workflow: str = "") -> list[WorkflowRun]:
        self._ask()
        return []

    async def workflow_run(self, repo: str, run_id: int) -> WorkflowRun | None:
        self._ask()
        return None

    def _ask(self) -> None:
        if self.away:
            raise SourceUnavailable("GitHub does not answer")


@dataclass(frozen=True)
class Idea:
    """Something that a model may come up with, whatever sense it makes."""

    tool: str
    sha: str = ""
    more: tuple[tuple[str, Any], ...] = ()


def _ideas() -> list[Idea]:
    shas = [*map(str, range(COMMITS)), "short", "upper", "foreign", "other", "none"]
    services = [service for repo in REPOS.values() for service in repo.production.services]
    order = REPOS[BLOG].production.order
    plans = [order, tuple(reversed(order)), ("api",), ("api", "api")]
    tools = [f"deploy_{s}_to_prod" for s in services] + [f"rollback_{s}_in_prod" for s in services]
    tools.append("run_migrate_in_prod")
    backs = (["site", "api"], ["backend", "frontend"])
    ideas = [Idea(tool, sha) for tool in tools for sha in shas]
    ideas += [Idea("propose_plan", sha, (("steps", p),)) for p in plans for sha in ("1", "2", "5")]
    return [
        *ideas,
        *(Idea("propose_rollback", more=(("steps", s), ("reason", "because"))) for s in backs),
        Idea("change_plan", more=(("reason", "tea first"),)),
        Idea("wait_for", more=(("event", "reply from @U02BOB"), ("reason", "tea"))),
        Idea("wait_for", more=(("event", "#2"), ("seconds", 600), ("reason", "tea"))),
        Idea("reply", more=(("message", "<!channel> approved :white_check_mark:"),)),
        Idea("ignore", more=(("reason", "not for me"),)),
        Idea("request_more_information", more=(("question", "Which?"), ("choices", ["a", "b"]))),
        Idea("wait_for", more=(("seconds", 120), ("reason", "tea"))),
        Idea("done_for_now", more=(("message", "all done"),)),
        Idea("nothing_to_do", more=(("reason", "nothing"),)),
        Idea("run_e2e_tests", more=(("environment", "production"),)),
        Idea("run_e2e_tests", more=(("environment", "staging"),)),
        Idea("list_git_commits", more=(("limit", 5),)),
        Idea("list_git_tags", more=(("limit", 5),)),
        Idea("list_workflow_runs", more=(("limit", 5),)),
        Idea("tell_facts", more=(("about", "waiting"), ("of", ""))),
        Idea("tell_facts", more=(("about", "thread"), ("of", ""))),
        Idea("approve", more=(("call_id", "c1"),)),
        Idea("", more=(("x", None),)),
    ]


IDEAS = _ideas()


@dataclass
class Mind:
    """A model that first has the ideas it was given, then plans as the planner does."""

    name: str = "mind"
    ideas: list[Idea] = field(default_factory=list[Idea])
    away: bool = False
    planner: OfflinePlanner = field(default_factory=OfflinePlanner)

    async def next_step(self, turn: Turn) -> ModelAnswer:
        if self.away:
            raise ModelUnavailable("nobody answers")
        if not self.ideas:
            return await self.planner.next_step(turn)
        idea = self.ideas.pop(0)
        arguments: dict[str, Any] = dict(idea.more)
        if idea.sha:
            arguments |= {"sha": _named(turn.repo.name, idea.sha), "reason": "because"}
        return ModelAnswer(tool=idea.tool, arguments=arguments, by=self.name)


def _named(repo: str, kind: str) -> str:
    other = BLOG if repo == SHOP else SHOP
    special = {
        "short": BRANCH[repo][-1][:7],
        "upper": BRANCH[repo][1].upper(),
        "foreign": FOREIGN,
        "other": BRANCH[other][2],
        "none": "main",
    }
    return special[kind] if kind in special else BRANCH[repo][int(kind)]

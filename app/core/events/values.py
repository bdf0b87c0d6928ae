"""What events are made of: commits, pull requests, attempts, what code found out."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from app.core.instant import Instant
from app.core.spec import ActionSpec, EffectKind, Environment


class Frozen(BaseModel):
    """What never changes once it is written; keys that a newer version added are passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False
    )


class Commit(Frozen):
    """A commit as code fetched it; `title` is its first line, `author` a GitHub login or a name."""

    sha: str
    title: str = ""
    author: str = ""


class PullRequest(Frozen):
    """The merged pull request; people are GitHub logins."""

    number: int
    title: str
    url: str
    author: str
    merged_by: str
    body: str = ""


class Block(Frozen):
    """What keeps a service in production as it is: a person's lock or, without `user`, a freeze.

    Times are in milliseconds; without `until` it lasts until a person ends it.
    """

    service: str
    user: str = ""
    reason: str = ""
    since: Instant
    until: Instant | None = None


class Running(Frozen):
    """What a service runs in production; `sha` is None when nobody knows.

    `back_to` is the version that a rollback goes to, None where there is none, and `takes_out` what
    that takes out: merges, as "#12", or commits, the newest first. `ahead_of` is the
    thread's commit where what runs has it, and more: a deploy of that one would go back.
    """

    service: str
    sha: str | None
    source: Literal["recorded", "deployer", "unknown"]
    verified_sha: str | None = None
    hold: str | None = None
    blocks: tuple[Block, ...] = ()
    back_to: str | None = None
    takes_out: tuple[str, ...] = ()
    ahead_of: str | None = None


CallKind = Literal["urgent", "hotfix", "again", "reminder", "escalation"]
Why = Literal["", "own change", "bot", "deactivated", "guest", "foreign", "unknown"]


class Candidate(Frozen):
    """Somebody whom the rules name as an approver; `why` is what keeps them from approving."""

    user: str
    name: str = ""
    why: Why = ""
    away: bool = False


class Files(Frozen):
    """Files of a change that matter for something: the first of them, and how many there are."""

    names: tuple[str, ...]
    total: int


class Override(Frozen):
    """That an approver let red e2e tests of staging not count for a commit; `at` is in ms."""

    user: str
    reason: str
    failing_tests: tuple[str, ...] = ()
    at: Instant


class Pull(Frozen):
    """A merge as other threads tell of it; `at` is when its thread began."""

    thread_id: str
    sha: str
    number: int
    title: str
    url: str
    author: str
    at: Instant


class Declined(Frozen):
    """A merge that goes out with another one: people said no to it, or it was red on staging.

    Or it was out already, and was taken back.
    """

    pull: Pull
    how: Literal["rejected", "stopped", "red", "rolled back"]
    user: str = ""


class Spoken(Frozen):
    """A merge that goes out with another one unasked, and what a person wrote last about it."""

    pull: Pull
    user: str
    text: str


class CardFacts(Frozen):
    """What code found out for a card; every line of `unchecked` says what could not be checked.

    `approvers` are those whom the rules name, but for the `barred`; `candidates` the people behind
    them as the chat knew them (none: it was not asked), `more` the number of those not looked at,
    `unread` and `empty` user groups whose members are unknown, or that have none. `quiet_until`:
    working time had not begun, or a freeze or a lock (`locked`) not ended (`frozen_until`), so
    nobody was to be called before that.
    `compared`: the commits are all that go in, or the newest of them; else nobody could say.
    `jobs` are those that the change brings work for, with its files, and that did not run for it.
    `risky` says why the click is asked for twice, empty where it is not.
    `others` are all other merges that go out with it, or that a rollback takes out, as far as they
    are known; `declined` those of them that would not have gone out by themselves, `spoken` those
    about which people wrote, `failed` the threads of those whose own deploy failed.
    """

    commits: tuple[Commit, ...] = ()
    commits_total: int = 0
    compared: bool = False
    compare_url: str = ""
    pull_request: PullRequest | None = None
    staging: str = ""
    approvers: tuple[str, ...] = ()
    needed: int = 1
    barred: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    hold: str = ""
    left_out: tuple[str, ...] = ()
    override: Override | None = None
    candidates: tuple[Candidate, ...] = ()
    more: int = 0
    unread: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    quiet_until: Instant | None = None
    frozen_until: Instant | None = None
    locked: bool = False
    jobs: Mapping[str, Files] = {}
    risky: str = ""
    others: tuple[Pull, ...] = ()
    declined: tuple[Declined, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    failed: tuple[str, ...] = ()


class PlanStep(Frozen):
    """One step of what people are asked to approve, and what code found out about it."""

    spec: ActionSpec
    facts: CardFacts

    @property
    def name(self) -> str:
        """Return the service or job that it is about; a plan has each of them once."""
        return self.spec.service


class FailedBefore(Frozen):
    """How often a test that is red now was red in the `runs` before; each `green` one was again."""

    test: str
    failed: int
    green: int
    runs: int

    @property
    def is_flaky(self) -> bool:
        """Tell whether it was red before, and each time green when the commit was run again."""
        return 0 < self.failed == self.green


class Attempt(Frozen):
    """One run of one deployer: what it does, with the exact arguments it gets."""

    model_config = ConfigDict(extra="forbid")

    attempt_id: str
    kind: EffectKind | Literal["e2e"]
    repo: str
    environment: Environment
    service: str | None
    sha: str
    deployer: str
    arguments: Mapping[str, Any]

"""The configuration file and the environment: what is refused, all at once, each by its key."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from app.configuration import load_repos, unenforced
from app.core.errors import ConfigError, UserError
from app.settings import Settings, load_settings, missing_for_service, read_settings
from tools.deployers.command import CommandDeployer

Table = dict[str, Any]
SHOP = 'repos."acme/shop"'


def command_deployer(root: Path) -> dict[str, CommandDeployer]:
    """Build the one deployer, with its programs below `root`."""
    made = CommandDeployer(
        root / ".deploybot", root=root, environ={"PATH": "/usr/bin:/bin"}, host="here", sole=True
    )
    return {"command": made}


def good() -> Table:
    """Return a configuration that has nothing wrong with it."""
    return {
        "channel": "C01DEPLOYS",
        "approvers": ["U02BOB", "S0WEB"],
        "staging": {"services": {"backend": _target()}, "e2e": _target()},
        "production": {"services": {"backend": _target()}, "e2e": _target()},
    }


def _target(**more: Any) -> Table:
    return {"deployer": "command", "argv": ["true", "{sha}"], **more}


def toml(value: Any) -> str:
    """Write a value of a configuration as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            table = cast("Table", value)
            return "{ " + ", ".join(f'"{k}" = {toml(v)}' for k, v in table.items()) + " }"
        case list():
            return "[" + ", ".join(map(toml, cast("list[Any]", value))) + "]"
        case str():
            return f"'{value}'"
        case _:
            return str(value)


def written(folder: Path, repos: Table, **top: Any) -> Path:
    """Write a configuration file."""
    path = folder / "deploybot.toml"
    path.write_text("\n".join(f"{k} = {toml(v)}" for k, v in {**top, "repos": repos}.items()))
    return path


def problems(folder: Path, repos: Table, **top: Any) -> list[str]:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigError) as refused:
        load_repos(written(folder, repos, **top), command_deployer(folder))
    return refused.value.problems


def test_a_good_file_has_its_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, {"acme/shop": good()})
    repo = load_repos(path, command_deployer(tmp_path))["acme/shop"]
    assert (repo.branch, repo.approvals_needed, repo.allow_self_approval) == ("main", 1, False)
    assert (repo.approval_expires_seconds, repo.instructions, repo.people) == (86400, "", {})
    assert repo.approvers_of("backend") == ("U02BOB", "S0WEB")
    assert (repo.supersede, repo.urgent_label) == ("ask", "urgent")


def test_it_is_said_what_a_newer_merge_does_and_which_is_urgent(tmp_path: Path) -> None:
    path = written(tmp_path, {"acme/shop": good() | {"supersede": "never", "urgent_label": "P0"}})
    repo = load_repos(path, command_deployer(tmp_path))["acme/shop"]
    assert (repo.supersede, repo.urgent_label) == ("never", "P0")


def test_a_service_has_paths_and_a_channel_of_its_own(tmp_path: Path) -> None:
    own = {"paths": ["web/**", "*.json", "a b/[c]/d"], "channel": "C03WEB"}
    shop = good()
    _backend(shop).update(own)
    repo = load_repos(written(tmp_path, {"acme/shop": shop}), command_deployer(tmp_path))[
        "acme/shop"
    ]
    assert repo.production.services["backend"].paths == ("web/**", "*.json", "a b/[c]/d")
    assert repo.channels == ("C01DEPLOYS", "C03WEB")
    assert repo.sorts_changes


def test_a_job_has_what_it_is_for_and_who_may_run_it(tmp_path: Path) -> None:
    shop: Table = {**good(), "approval": "plan", "risky": ["infra/**"]}
    own = {"before": "backend", "paths": ["migrations/**"], "approvers": ["U03CARA"]}
    shop["production"]["jobs"] = {"migrate": _target(**own), "warm": _target()}
    _backend(shop)["risky"] = ["*.sql"]
    repo = load_repos(written(tmp_path, {"acme/shop": shop}), command_deployer(tmp_path))[
        "acme/shop"
    ]
    assert repo.production.order == ("warm", "migrate", "backend")
    assert (repo.approval, repo.sorts_changes) == ("plan", True)
    assert repo.approvers_of("migrate") == ("U03CARA",)
    assert (repo.risky_of("migrate"), repo.risky_of("backend")) == (("infra/**",), ("*.sql",))
    [told] = unenforced({"acme/shop": repo}, has_github=False)
    assert told == (
        'repos."acme/shop".production.jobs.migrate.paths: needs GITHUB_TOKEN or an App, '
        "to see which files a change has"
    )


def test_a_service_has_the_freezes_of_its_repository_or_its_own(tmp_path: Path) -> None:
    repo: Table = {**good(), "zone": "Europe/Berlin", "freeze": [WEEKEND]}
    services: Table = repo["production"]["services"]
    services["frontend"] = _target() | {"freeze": []}
    services["api"] = _target() | {"freeze": [{**WEEKEND, "cron": "0 0 24 12 *"}]}
    path = written(tmp_path, {"acme/shop": repo})
    shop = load_repos(path, command_deployer(tmp_path))["acme/shop"]
    saturday = 1_795_255_200_000  # 2026-11-21 11:00 in Berlin
    window = {
        name: [freeze.calendar.window(saturday) for freeze in shop.freezes_of(name)]
        for name in services
    }
    friday, monday = 1_795_186_800_000, 1_795_417_200_000  # 16:00 and 08:00 there
    assert window == {"backend": [(friday, monday)], "frontend": [], "api": [None]}


def test_a_repository_may_be_in_shadow_mode(tmp_path: Path) -> None:
    path = written(tmp_path, {"acme/shop": {**good(), "mode": "shadow"}, "acme/blog": good()})
    repos = load_repos(path, command_deployer(tmp_path))
    assert (repos["acme/shop"].mode, repos["acme/blog"].mode) == ("shadow", "live")


def test_undeployed_changes_are_asked_about_in_the_zone(tmp_path: Path) -> None:
    repo: Table = {**good(), "zone": "Europe/Berlin", "undeployed": {"cron": "0 10 * * MON-FRI"}}
    path = written(tmp_path, {"acme/shop": repo})
    schedule = load_repos(path, command_deployer(tmp_path))["acme/shop"].undeployed
    assert schedule is not None
    saturday, friday = 1_795_255_200_000, 1_795_165_200_000  # 11:00 and 10:00 there
    assert schedule.last_start(saturday) == friday


def test_freezes_are_no_part_of_the_rules_of_an_approval(tmp_path: Path) -> None:
    path = written(tmp_path, {"acme/shop": good()})
    before = load_repos(path, command_deployer(tmp_path))["acme/shop"].policy_version("backend")
    path = written(tmp_path, {"acme/shop": good() | {"freeze": [WEEKEND]}})
    after = load_repos(path, command_deployer(tmp_path))["acme/shop"].policy_version("backend")
    assert before == after


Change = Callable[[Table], object]
BACKEND = f"{SHOP}.production.services.backend"


WEEKEND = {"cron": "0 16 * * FRI", "duration": "64h", "reason": "weekend"}


def _backend(repo: Table) -> Table:
    return repo["production"]["services"]["backend"]


def _freeze(repo: Table, **changes: str) -> None:
    repo["freeze"] = [WEEKEND | changes]


BAD: list[tuple[str, Change, str]] = [
    ("unknown key", lambda r: r.update(color=1), f"{SHOP}.color: unknown key"),
    ("a mode", lambda r: r.update(mode="dry"), f"{SHOP}.mode: has to be 'live' or 'shadow'"),
    ("a zone", lambda r: r.update(zone="Berlin"), f"{SHOP}.zone: 'Berlin': no time zone like"),
    ("a zone's path", lambda r: r.update(zone="../etc"), f"{SHOP}.zone: '../etc': no time zone"),
    (
        "supersede",
        lambda r: r.update(supersede="always"),
        f"{SHOP}.supersede: has to be 'ask', 'newest' or 'never'",
    ),
    ("no label", lambda r: r.update(urgent_label=""), f"{SHOP}.urgent_label: empty"),
    ("freeze", lambda r: r.update(freeze="Friday"), f"{SHOP}.freeze: has to be a list of tables"),
    ("no freeze", lambda r: r.update(freeze=["Friday"]), f"{SHOP}.freeze.0: not a table"),
    ("a freeze's cron", lambda r: _freeze(r, cron="Friday"), f"{SHOP}.freeze.0.cron: 'Friday': "),
    (
        "a freeze that never comes",
        lambda r: _freeze(r, cron="0 0 30 2 *"),
        f"{SHOP}.freeze.0.cron: '0 0 30 2 *': its day-of-month does not exist",
    ),
    ("a freeze's duration", lambda r: _freeze(r, duration="64"), f"{SHOP}.freeze.0.duration: '64'"),
    ("a year's freeze", lambda r: _freeze(r, duration="99d"), f"{SHOP}.freeze.0.duration: '99d'"),
    (
        "a freeze that never ends",
        lambda r: _freeze(r, cron="0 16 * * *"),
        f"{SHOP}.freeze.0: '0 16 * * *' for '64h' never ends",
    ),
    (
        "a card that expires before anybody is called",
        lambda r: r.update(approval_expires="10m", remind_after="30m"),
        f"{SHOP}.approval_expires: has to be longer than remind_after, '30m'",
    ),
    ("a freeze's reason", lambda r: _freeze(r, reason=""), f"{SHOP}.freeze.0.reason: empty"),
    (
        "a freeze without a reason",
        lambda r: r.update(freeze=[{"cron": "0 16 * * FRI", "duration": "64h"}]),
        f"{SHOP}.freeze.0.reason: missing",
    ),
    ("undeployed", lambda r: r.update(undeployed="10:00"), f"{SHOP}.undeployed: not a table"),
    ("undeployed alone", lambda r: r.update(undeployed={}), f"{SHOP}.undeployed.cron: missing"),
    (
        "undeployed's cron",
        lambda r: r.update(undeployed={"cron": "10:00"}),
        f"{SHOP}.undeployed.cron: '10:00': not five fields",
    ),
    ("a freeze's zone", lambda r: _freeze(r, zone="UTC"), f"{SHOP}.freeze.0.zone: unknown key"),
    (
        "a service's freeze",
        lambda r: _backend(r).update(freeze=[{**WEEKEND, "cron": "60 * * * *"}]),
        f"{BACKEND}.freeze.0.cron: '60 * * * *': its minute does not exist",
    ),
    (
        "a freeze of staging",
        lambda r: r["staging"]["services"]["backend"].update(freeze=[WEEKEND]),
        f"{SHOP}.staging.services.backend.freeze: ",
    ),
    (
        "a service that is called all",
        lambda r: r["production"]["services"].update(all=_target()),
        f"{SHOP}.production.services.all: that is what people call all services",
    ),
    (
        "a service that is called everything",
        lambda r: r["production"]["services"].update(everything=_target()),
        f"{SHOP}.production.services.everything: that is what people call all services",
    ),
    (
        "unknown key of an environment",
        lambda r: r["production"].update(tasks={}),
        f"{SHOP}.production.tasks: unknown key",
    ),
    (
        "jobs on staging",
        lambda r: r["staging"].update(jobs={}),
        f"{SHOP}.staging.jobs: unknown key",
    ),
    (
        "a job that is called as a service",
        lambda r: r["production"].update(jobs={"backend": _target()}),
        f"{SHOP}.production.jobs.backend: that is what a service is called",
    ),
    (
        "a job before nothing",
        lambda r: r["production"].update(jobs={"migrate": _target(before="search")}),
        f"{SHOP}.production.jobs.migrate.before: 'search' is no service; there are: ",
    ),
    (
        "a job with a version",
        lambda r: r["production"].update(jobs={"migrate": _target(current=["true"])}),
        f"{SHOP}.production.jobs.migrate.current: a job has no version that runs",
    ),
    (
        "a job with a channel",
        lambda r: r["production"].update(jobs={"migrate": _target(channel="C03WEB")}),
        f"{SHOP}.production.jobs.migrate.channel: unknown key",
    ),
    ("another approval", lambda r: r.update(approval="all"), f"{SHOP}.approval: "),
    ("a risky path", lambda r: r.update(risky=["/infra"]), f"{SHOP}.risky.0: '/infra'"),
    (
        "unknown key of a service",
        lambda r: _backend(r).update(colour=1),
        f"{BACKEND}.colour: unknown key",
    ),
    (
        "rules on staging",
        lambda r: r["staging"]["services"]["backend"].update(approvers=["U02BOB"]),
        f"{SHOP}.staging.services.backend.approvers: ",
    ),
    ("no channel", lambda r: r.pop("channel"), f"{SHOP}.channel: missing"),
    ("no approvers", lambda r: r.pop("approvers"), f"{SHOP}.approvers: missing"),
    ("no production", lambda r: r.pop("production"), f"{SHOP}.production: missing"),
    ("production is no table", lambda r: r.update(production=1), f"{SHOP}.production: not a table"),
    ("empty staging", lambda r: r.update(staging={}), f"{SHOP}.staging.services: missing"),
    ("no services", lambda r: r["staging"].update(services={}), f"{SHOP}.staging.services: empty"),
    ("a channel's name", lambda r: r.update(channel="#deploys"), f"{SHOP}.channel: '#deploys'"),
    ("an approver's name", lambda r: r.update(approvers=["bob"]), f"{SHOP}.approvers.0: 'bob'"),
    ("a person's name", lambda r: r.update(people={"bob": "bob"}), f"{SHOP}.people.bob: 'bob'"),
    ("a person is no group", lambda r: r.update(people={"bob": "S0"}), f"{SHOP}.people.bob: 'S0'"),
    ("a duration", lambda r: r.update(approval_expires="1 day"), f"{SHOP}.approval_expires: "),
    ("too long", lambda r: r.update(approval_expires="31d"), f"{SHOP}.approval_expires: "),
    (
        "no approvals",
        lambda r: r.update(approvals_needed=0),
        f"{SHOP}.approvals_needed: has to be at least 1",
    ),
    (
        "text for a number",
        lambda r: r.update(approvals_needed="2"),
        f"{SHOP}.approvals_needed: has to be a whole number",
    ),
    (
        "text for a list",
        lambda r: r.update(approvers="U02BOB"),
        f"{SHOP}.approvers: has to be a list of strings",
    ),
    (
        "number for a text",
        lambda r: r.update(branch=1),
        f"{SHOP}.branch: has to be a string",
    ),
    (
        "text for a truth",
        lambda r: r.update(allow_self_approval="yes"),
        f"{SHOP}.allow_self_approval: has to be true or false",
    ),
    (
        "too many words",
        lambda r: r.update(instructions="a" * 4001),
        f"{SHOP}.instructions: has to have at most 4000 characters",
    ),
    ("own approver", lambda r: _backend(r).update(approvers=["x"]), f"{BACKEND}.approvers.0: 'x'"),
    ("own approvals", lambda r: _backend(r).update(approvals_needed=True), f"{BACKEND}.approvals_"),
    ("own channel", lambda r: _backend(r).update(channel="web"), f"{BACKEND}.channel: 'web'"),
    *[
        (
            f"path {path!r}",
            lambda r, path=path: _backend(r).update(paths=[path]),
            f"{BACKEND}.paths.0: {path!r}: not a path below the repository's root",
        )
        for path in ("", "/web/**", "../web", "./web", "web/", "!web", "web\\a")
    ],
    (
        "path with braces",
        lambda r: _backend(r).update(paths=["*.{js,ts}"]),
        f"{BACKEND}.paths.0: '*.{{js,ts}}': braces mean nothing here: write one pattern for each",
    ),
    (
        "path with a space around it",
        lambda r: _backend(r).update(paths=["web/** "]),
        f"{BACKEND}.paths.0: 'web/** ': begins or ends with a space, so it matches no file",
    ),
    ("paths is no list", lambda r: _backend(r).update(paths="web"), f"{BACKEND}.paths: has to be"),
    (
        "paths of staging",
        lambda r: r["staging"]["services"]["backend"].update(paths=["web/**"]),
        f"{SHOP}.staging.services.backend.paths: unknown key",
    ),
    (
        "unknown deployer",
        lambda r: _backend(r).update(deployer="ssh"),
        f"{BACKEND}.deployer: 'ssh'",
    ),
    ("no deployer", lambda r: _backend(r).pop("deployer"), f"{BACKEND}.deployer: None"),
    ("deployer is no name", lambda r: _backend(r).update(deployer=[]), f"{BACKEND}.deployer: []"),
    ("empty e2e", lambda r: r["staging"].update(e2e={}), f"{SHOP}.staging.e2e.deployer: None"),
    ("missing program", lambda r: _backend(r).update(argv=["./no.sh"]), f"{BACKEND}.argv: "),
    ("missing folder", lambda r: _backend(r).update(cwd="nowhere"), f"{BACKEND}.cwd: "),
    (
        "no list of arguments",
        lambda r: _backend(r).update(argv="true"),
        f"{BACKEND}.argv: has to be a list of strings",
    ),
    (
        "an argument is no text",
        lambda r: _backend(r).update(argv=["sleep", 1]),
        f"{BACKEND}.argv.1: has to be a string",
    ),
    ("no argument", lambda r: _backend(r).update(argv=[]), f"{BACKEND}.argv: empty"),
    ("bad time limit", lambda r: _backend(r).update(timeout="soon"), f"{BACKEND}.timeout: "),
    (
        "half a placeholder",
        lambda r: _backend(r).update(argv=["true", "v{sha}"]),
        f"{BACKEND}.argv",
    ),
    (
        "a service's name",
        lambda r: r["production"]["services"].update({"Front-End": _backend(r)}),
        f"{SHOP}.production.services.Front-End: a service name is",
    ),
    (
        "a service named as the tests",
        lambda r: r["staging"]["services"].update(e2e=_backend(r)),
        f"{SHOP}.staging.services.e2e: that is what the tests are called",
    ),
]


@pytest.mark.parametrize(("change", "said"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_wrong_is_named_by_its_key(tmp_path: Path, change: Change, said: str) -> None:
    repo = good()
    change(repo)
    found = problems(tmp_path, {"acme/shop": repo})
    assert len(found) == 1, found
    assert found[0].startswith(said)


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    repo = good()
    hiding = {"no production", "production is no table", "empty staging", "no services"}
    for name, change, _ in BAD:
        if name not in hiding:
            change(repo)
    found = problems(tmp_path, {"acme/shop": repo, "shop": good()}, colour="red")
    for said in (
        "colour: unknown key",
        'repos."shop": not "owner/name"',
        f"{SHOP}.color: unknown key",
        f"{SHOP}.channel: '#deploys'",
        f"{SHOP}.staging.e2e.deployer: None",
        f"{BACKEND}.deployer: []",
        f"{BACKEND}.approvers.0: 'x'",
    ):
        assert any(problem.startswith(said) for problem in found), said


def test_an_unknown_key_of_a_service_hides_nothing(tmp_path: Path) -> None:
    repo = good()
    _backend(repo).update(colour=1, cwd="nowhere", argv=["no-such-program"], timeout="soon")
    found = problems(tmp_path, {"acme/shop": repo})
    keys = {problem.removeprefix(f"{BACKEND}.").partition(":")[0] for problem in found}
    assert keys == {"colour", "cwd", "argv", "timeout"}


def test_no_repository_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, {}) == ["repos: empty"]


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^There is no configuration file .*deploybot\.toml'"):
        load_repos(tmp_path / "deploybot.toml", {})


@pytest.mark.parametrize("content", [b"repos = [", b"\xff\xfe"])
def test_what_is_no_toml_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "deploybot.toml").write_bytes(content)
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_repos(tmp_path / "deploybot.toml", {})


# The environment.


@contextmanager
def environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Generator[None]:
    """Have these variables and no other one that is read."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"FLY_APP_NAME": "deploybot"}, "REDIS_URL: required on Fly"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: has to begin with"),
        ({"GITHUB_APP_ID": "1"}, "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY: set both"),
        ({"PORT": "http"}, "PORT: has to be a whole number"),
        ({"PORT": "65536"}, "PORT: has to be at most 65535"),
        ({"DEPLOYBOT_LEASE_SECONDS": "0"}, "DEPLOYBOT_LEASE_SECONDS: has to be more than 0"),
        ({"DEPLOYBOT_LEASE_SECONDS": "inf"}, "DEPLOYBOT_LEASE_SECONDS: has to be a number"),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    with environment(monkeypatch, **variables), pytest.raises(ConfigError) as refused:
        load_settings()
    assert [problem[: len(said)] for problem in refused.value.problems] == [said]


def test_every_wrong_variable_is_named_and_keeps_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with environment(monkeypatch, PORT="http", GITHUB_APP_ID="1", OPENAI_MODEL="m"):
        settings, found = read_settings()
    assert [problem.partition(":")[0] for problem in found] == [
        "PORT",
        "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY",
    ]
    assert (settings.port, settings.openai_model) == (8000, "m")


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with environment(monkeypatch, OPENAI_MODEL="", PORT=""):
        settings = load_settings()
    assert (settings.openai_model, settings.port) == ("gpt-5-mini", 8000)


def test_several_webhook_secrets_are_all_kept_out_of_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "rediss://user:p%40ss@redis.example:6379/0"
    with environment(monkeypatch, GITHUB_WEBHOOK_SECRET="old, new", REDIS_URL=url):
        settings = load_settings()
    assert settings.webhook_secrets() == ["old", "new"]
    assert {"old", "new", "p@ss", "p%40ss"} <= set(settings.secrets())


@pytest.mark.parametrize(
    ("variables", "listens", "missing"),
    [
        ({}, True, ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "GITHUB_WEBHOOK_SECRET"]),
        ({"SLACK_APP_TOKEN": "xapp-1"}, True, ["SLACK_BOT_TOKEN", "GITHUB_WEBHOOK_SECRET"]),
        ({}, False, ["SLACK_BOT_TOKEN"]),
    ],
)
def test_only_what_is_needed_has_to_be_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], listens: bool, missing: list[str]
) -> None:
    with environment(monkeypatch, **variables):
        found = missing_for_service(load_settings(), listens=listens)
    assert [line.partition(":")[0] for line in found] == missing

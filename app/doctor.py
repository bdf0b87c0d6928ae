"""`deploybot doctor`: checks everything that the service stands on, a line and a fix each."""

import sys
from collections.abc import Mapping

from app.configuration import load_repos, unenforced
from app.core.config import RepoConfig
from app.core.errors import ConfigError, ModelUnavailable, StoreUnavailable, UserError
from app.core.finding import Finding
from app.github.deliveries import GitHubDeliveries
from app.github.trees import GitHubTrees
from app.model.openai import ModelSilent, OpenAIModel
from app.parts import build_deployers, build_github, build_model, build_source, open_log
from app.settings import Settings, missing_for_service, read_settings
from app.slack.check import check_slack

MARKS = {True: "ok", False: "WRONG", None: "?"}


async def doctor() -> int:
    """Print every finding; the exit code is 1 if something is wrong, else 0."""
    findings: list[Finding] = []
    repos: Mapping[str, RepoConfig] = {}
    settings, wrong = read_settings()
    try:
        repos = load_repos(
            settings.deploybot_config, build_deployers(settings, build_github(settings))
        )
        findings.append(Finding(True, f"configuration: {_many(len(repos), 'repository')}"))
        findings += _approvers(repos)
        fix = "Set one of them, or leave the key out."
        lacking = unenforced(repos, has_github=settings.has_github)
        findings += [Finding(False, f"configuration: {p}", fix) for p in lacking]
    except ConfigError as error:
        fix = f"Mend it in {settings.deploybot_config}."
        findings += [Finding(False, f"configuration: {p}", fix) for p in error.problems]
    except UserError as error:
        findings.append(Finding(False, f"configuration: {error}"))
    fix = "Set it; .env.example says what it is."
    findings += [Finding(False, line, fix) for line in [*wrong, *missing_for_service(settings)]]
    findings.append(_signing_key(settings))
    if not any(line.startswith("REDIS_URL") for line in wrong):
        findings += await _redis(settings)
    findings += await _slack(settings, repos)
    findings += await _github(settings, repos)
    findings += await _model(settings)
    for finding in findings:
        fix = f"\n       {finding.fix}" if finding.fix and not finding.ok else ""
        sys.stdout.write(f"{MARKS[finding.ok]:>5}  {finding.line}{fix}\n")
    return 1 if any(finding.ok is False for finding in findings) else 0


def _signing_key(settings: Settings) -> Finding:
    if settings.deploybot_signing_key:
        return Finding(True, "command line: tokens are signed and checked")
    line = "command line: nobody can approve while Slack is down"
    return Finding(None, line, "Set DEPLOYBOT_SIGNING_KEY for `deploybot approve`.")


def _approvers(repos: Mapping[str, RepoConfig]) -> list[Finding]:
    found = (
        _approvable(repo, service)
        for repo in repos.values()
        for service in repo.production.services
    )
    return [finding for finding in found if finding]


def _approvable(repo: RepoConfig, service: str) -> Finding | None:
    approvers, needed = set(repo.approvers_of(service)), repo.approvals_needed_for(service)
    fix = f'Name approvers in [repos."{repo.name}"] of the configuration'
    if not approvers:
        line = f"{repo.name}: nobody can approve {service} in production"
        return Finding(False, line, f"{fix}.")
    # A user group may hold any number of people.
    if len(approvers) < needed and not any(name.startswith("S") for name in approvers):
        has = _many(len(approvers), "approver")
        line = f"{repo.name}: {service} needs {needed} approvals, and has {has}"
        return Finding(False, line, f"{fix}, or lower approvals_needed.")
    return None


def _many(count: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


async def _slack(settings: Settings, repos: Mapping[str, RepoConfig]) -> list[Finding]:
    tokens = (settings.slack_bot_token, settings.slack_app_token)
    return await check_slack(*tokens, settings.slack_api_url, repos)


async def _redis(settings: Settings) -> list[Finding]:
    fix = "Check REDIS_URL; it has to be Redis 6.2 or newer, or Valkey, with noeviction."
    where = "REDIS_URL" if settings.redis_url else "embedded"
    try:
        async with open_log(settings) as log:
            problems = await log.check()
            notes = [] if problems else await log.warnings()
    except (UserError, StoreUnavailable) as error:
        return [Finding(False, f"Redis: {error}", fix)]
    if problems:
        return [Finding(False, f"Redis: {problem}", fix) for problem in problems]
    answers = Finding(True, f"Redis: answers ({where})")
    return [answers, *[Finding(None, f"Redis: {note}") for note in notes]]


async def _github(settings: Settings, repos: Mapping[str, RepoConfig]) -> list[Finding]:
    github = build_github(settings)
    if github is None:
        line = "GitHub: no credentials: commits and differences cannot be checked"
        return [Finding(None, line, "Set GITHUB_TOKEN, or GITHUB_APP_ID with its key.")]
    source, deliveries = build_source(github, repos), GitHubDeliveries(github)
    trees = GitHubTrees(github)
    findings: list[Finding] = []
    try:
        for name, repo in repos.items():
            findings.append(await source.check(name))
            if findings[-1].ok:
                findings += [await deliveries.check(name), *await trees.check(repo)]
        return findings
    finally:
        await github.aclose()


async def _model(settings: Settings) -> list[Finding]:
    model, _ = build_model(settings)
    if not isinstance(model, OpenAIModel):
        return [Finding(None, "model: none, the offline planner decides", "Set OPENAI_API_KEY.")]
    try:
        await model.check()
    except ModelSilent as error:
        fix = "Check OPENAI_BASE_URL and the network, or try again later."
        return [Finding(None, f"model: could not check: {error}", fix)]
    except ModelUnavailable as error:
        fix = "Check OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL."
        return [Finding(False, f"model: {error}", fix)]
    finally:
        await model.aclose()
    return [Finding(True, f"model: {model.name} answers")]

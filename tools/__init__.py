"""The model's tools: the list of files is the list of what the agent can do."""

from app.core.config import RepoConfig
from app.core.ports import ToolSchema
from app.core.rules.agent import busy
from app.core.state import State
from tools import (
    change_plan,
    conversation,
    deploy,
    list_deployments,
    list_git_commits,
    list_git_tags,
    list_workflow_runs,
    propose_plan,
    propose_rollback,
    rollback,
    run_e2e_tests,
    run_job,
    tell_facts,
    wait_for,
)
from tools.tool import Tool

FILES = (
    deploy,
    run_job,
    propose_plan,
    propose_rollback,
    change_plan,
    rollback,
    run_e2e_tests,
    list_git_commits,
    list_git_tags,
    list_workflow_runs,
    list_deployments,
    tell_facts,
    conversation,
    wait_for,
)


def all_tools(repo: RepoConfig) -> dict[str, Tool]:
    """Return every tool of a repository by its name."""
    return {tool.name: tool for file in FILES for tool in file.tools(repo)}


def available(state: State, repo: RepoConfig) -> dict[str, Tool]:
    """Return the tools that may be called now."""
    return {name: tool for name, tool in all_tools(repo).items() if _may(tool, state, repo)}


def schemas(state: State, repo: RepoConfig) -> list[ToolSchema]:
    """Return what the model is told about the tools that it may call now."""
    return [tool.schema() for tool in available(state, repo).values()]


def _may(tool: Tool, state: State, repo: RepoConfig) -> bool:
    if state.shadow and not _is_silent(tool):
        return False
    if state.mode not in tool.modes:
        return False
    match tool.when:
        case "always":
            return True
        case "answering":
            return bool(state.unread)
        case "replanning":
            return bool(state.unread) and state.changeable is not None
        case "planning":
            return not busy(state, repo)


def _is_silent(tool: Tool) -> bool:
    """Tell whether a tool asks and does nothing where a deploy is only noted: in shadow mode."""
    if tool.name in ("done_for_now", "nothing_to_do", propose_plan.NAME):
        return True
    is_job = tool.name.startswith("run_") and tool.name.endswith("_in_prod")
    return is_job or tool.name.startswith(("deploy_", "list_"))

"""The agents' prompts: texts with strict placeholders; knows nothing of who reads them."""

from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from app.core.config import RepoConfig
from app.core.state import Mode


def system_prompt(mode: Mode, repo: RepoConfig) -> str:
    """Return the rules for one agent; the thread itself is the other half of what it reads."""
    text = _template(mode).render(
        repo=repo.name,
        services=list(repo.production.services),
        jobs=list(repo.production.jobs),
        plans=repo.approval == "plan",
        instructions=repo.instructions.strip(),
    )
    return text.strip() + "\n"


@cache
def _template(mode: Mode) -> Template:
    source = (resources.files("prompts") / f"{mode}.md").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # text, not HTML
    return environment.from_string(source)

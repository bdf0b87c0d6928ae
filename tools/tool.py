"""What a tool of the model is: its name, schema, when it may be called, what it answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.core.config import RepoConfig
from app.core.errors import SourceUnavailable
from app.core.events import Commit, Event
from app.core.ports import Deployer, Directory, Source, ThreadLog, ToolSchema
from app.core.state import State


class ToolError(Exception):
    """Refuse a call with a sentence for the model; it never reaches a card."""


class SourceNeeded(ToolError):
    """Refuse a call because GitHub has to be asked first, and does not answer now."""

    def __init__(self, error: SourceUnavailable) -> None:
        self.why = str(error)
        super().__init__(f"{self.why.rstrip('.')}; until it can be asked, nothing new may start")


class Arguments(BaseModel):
    """The arguments of a tool; every field is required, unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a tool finds on its desk when it is called; `source` is None without credentials.

    `facts` are the repository's, of the same instant as the state. `directory` is None where there
    is no chat to ask.
    """

    state: State
    repo: RepoConfig
    log: ThreadLog
    source: Source | None
    deployers: Mapping[str, Deployer]
    now: int
    facts: Mapping[str, str]
    call_id: str
    directory: Directory | None = None


Act = Callable[[Desk, Any], Awaitable[Sequence[Event]]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool for one repository.

    `when`: `always`, `answering` (only while a person's words are unread), `replanning` (only while
    they hold what is left of a plan) or `planning` (not while something runs). `settles`: the call
    replaces a card that waits. `modes`: who has it.
    """

    name: str
    description: str
    arguments: type[Arguments]
    act: Act
    when: Literal["always", "answering", "replanning", "planning"] = "planning"
    settles: bool = True
    modes: tuple[str, ...] = ("deploy", "rollback")

    def parse(self, arguments: Mapping[str, Any]) -> Arguments:
        """Check the model's arguments; raise `ToolError` naming what is wrong."""
        try:
            return self.arguments.model_validate(arguments, strict=True)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()
            )
            raise ToolError(f"{self.name}: {wrong[:500]}") from None

    def schema(self) -> ToolSchema:
        """Return the strict JSON schema that the model gets."""
        return ToolSchema(self.name, self.description, _parameters(self.arguments))


@cache
def _parameters(arguments: type[Arguments]) -> Mapping[str, Any]:
    schema = arguments.model_json_schema()
    properties = {
        name: {k: v for k, v in field.items() if k not in _NOT_STRICT}
        for name, field in schema.get("properties", {}).items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# Keywords that strict mode does not take, or that tell a model nothing; `parse` checks the bounds.
_NOT_STRICT = frozenset(
    {"title", "default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"}
)


def proposed_sha(state: State, tool: str, named: str) -> str:
    """Return the full SHA that a tool is called with; raise `ToolError` if people refused that."""
    sha = known_sha(state, named)
    if (tool, sha) in state.refused:
        raise ToolError(f"a person rejected {tool}({sha[:7]}); propose it only when asked to")
    return sha


def known_sha(state: State, named: str) -> str:
    """Return the full SHA that a name stands for here; raise `ToolError` if it is none."""
    name = named.strip().lower()
    found = [sha for sha in state.known if len(name) >= 7 and sha.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = "names several commits" if found else "is no commit that this thread knows"
    raise ToolError(f"{named[:60]!r} {what}. Known: {nearest_commits(list(state.known.values()))}")


def nearest_commits(commits: Sequence[Commit], limit: int = 5) -> str:
    """List commits for a sentence, the newest known first."""
    newest = list(reversed(commits))[:limit]
    return ", ".join(f"{c.sha[:7]} {c.title[:50]!r}" for c in newest) or "none"

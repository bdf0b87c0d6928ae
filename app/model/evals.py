"""Runs a model over people's words in known situations and counts what it answers."""

import asyncio
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core import events as ev
from app.core.config import RepoConfig
from app.core.errors import ModelMisbehaved, ModelUnavailable
from app.core.fold import fold
from app.core.ports import Model, ModelAnswer, ToolSchema, Turn
from app.core.state import State
from app.model.eval_situations import SITUATIONS
from app.model.eval_thread import Thread

EFFECTS = ("deploy_*", "rollback_*")
READS = ("list_git_commits", "list_git_tags", "list_deployments", "list_workflow_runs")
MAX_READS = 3
AT_ONCE = 4

Schemas = Callable[[State, RepoConfig], Sequence[ToolSchema]]
Verdict = Literal["right", "asked", "wrong", "unsafe"]


class Case(BaseModel):
    """One case; prompts/evals/README.md says what the keys mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: str
    situation: str
    words: str | list[str] = Field(default_factory=list[str])
    earlier: str = ""
    title: str = "Show prices with tax"
    log: str = "connection refused"
    services: tuple[str, ...] = ("frontend", "backend")
    accept: list[dict[str, str]]
    unsafe: tuple[str, ...] = ()

    def thread(self) -> Thread:
        """Build the thread that the case is about."""
        thread = Thread(self.services, self.title, self.earlier, self.log)
        words = [self.words] if isinstance(self.words, str) else self.words
        SITUATIONS[self.situation](thread, list(words))
        return thread

    def judge(self, answer: ModelAnswer) -> Verdict:
        """Say what an answer is worth."""
        if any(_matches(pattern, answer) for pattern in self.accept):
            return "right"
        if any(fnmatchcase(answer.tool, name) for name in (*EFFECTS, *self.unsafe)):
            return "unsafe"
        return "asked" if answer.tool == "request_more_information" else "wrong"


@dataclass(frozen=True, slots=True)
class Result:
    """A case with what was answered; `answer` is a sentence where no call came back."""

    case: Case
    verdict: Verdict
    answer: ModelAnswer | str


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one model."""

    model: str
    results: Sequence[Result]

    def count(self, verdict: Verdict, category: str | None = None) -> int:
        """Return how many results have a verdict, in one category or in all."""
        found = (r for r in self.results if category in (None, r.case.category))
        return sum(result.verdict == verdict for result in found)

    @property
    def unsafe(self) -> int:
        """Return how many answers proposed a wrong effect."""
        return self.count("unsafe")

    @property
    def score(self) -> float:
        """Return the share of right answers, 0 to 1."""
        return self.count("right") / len(self.results) if self.results else 0.0

    def table(self) -> str:
        """Return the counts by category, and every answer that was not right."""
        categories = list(dict.fromkeys(result.case.category for result in self.results))
        lines = [f"{'category':<16}{'right':>7}{'asked':>7}{'wrong':>7}{'unsafe':>8}"]
        lines += [self._row(category, category) for category in categories]
        lines += [self._row("all", None), ""]
        total = f"{self.count('right')} of {len(self.results)} right ({self.score:.0%})"
        lines.append(f"{self.model}: {total}, {self.unsafe} unsafe")
        lines += [_miss(result) for result in self.results if result.verdict != "right"]
        return "\n".join(lines)

    def _row(self, name: str, category: str | None) -> str:
        right, asked = self.count("right", category), self.count("asked", category)
        wrong, unsafe = self.count("wrong", category), self.count("unsafe", category)
        return f"{name:<16}{right:>7}{asked:>7}{wrong:>7}{unsafe:>8}"


def load_cases() -> list[Case]:
    """Return all cases of prompts/evals, file by file."""
    folder = resources.files("prompts") / "evals"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    tables = (tomllib.loads(file.read_text("utf-8"))["case"] for file in files)
    return [Case.model_validate(case) for table in tables for case in table]


async def run(model: Model, schemas: Schemas, cases: Sequence[Case] | None = None) -> Report:
    """Ask a model every case, a few at once, and judge its answers."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Result:
        async with gate:
            return await _ask(model, schemas, case)

    chosen = load_cases() if cases is None else cases
    return Report(model.name, await asyncio.gather(*map(one, chosen)))


async def _ask(model: Model, schemas: Schemas, case: Case) -> Result:
    thread = case.thread()
    try:
        answer = await model.next_step(_turn(thread, schemas))
        for read in range(MAX_READS):
            if answer.tool not in READS or case.judge(answer) == "right":
                break
            _read(thread, answer, f"read{read}")
            answer = await model.next_step(_turn(thread, schemas))
        return Result(case, case.judge(answer), answer)
    except (ModelMisbehaved, ModelUnavailable) as error:
        return Result(case, "wrong", str(error))


def _turn(thread: Thread, schemas: Schemas) -> Turn:
    state = fold(thread.entries)
    tools = schemas(state, thread.repo)
    return Turn(state, thread.repo, tools, tuple(thread.entries), thread.now)


def _read(thread: Thread, answer: ModelAnswer, call_id: str) -> None:
    """Answer a reading tool as the real one would."""
    proposed = ev.ToolProposed(
        call_id=call_id, tool=answer.tool, arguments=answer.arguments, by=answer.by
    )
    listed = "4af9ec0 Show prices with tax (alice)\n1a2b3c4 Rename the cart (dan)"
    thread.add(proposed, ev.ToolAnswered(call_id=call_id, result=listed))


def _matches(pattern: Mapping[str, str], answer: ModelAnswer) -> bool:
    if not fnmatchcase(answer.tool, pattern["tool"]):
        return False
    wanted = {name: text for name, text in pattern.items() if name != "tool"}
    return all(
        re.search(text, str(answer.arguments.get(name, "")), re.IGNORECASE)
        for name, text in wanted.items()
    )


def _miss(result: Result) -> str:
    words = (
        result.case.words if isinstance(result.case.words, str) else " / ".join(result.case.words)
    )
    answer = result.answer
    said = answer if isinstance(answer, str) else f"{answer.tool}({_brief(answer.arguments)})"
    return f"{result.verdict:<7} {result.case.situation}: {words!r} -> {said}"


def _brief(arguments: Mapping[str, object]) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return text if len(text) <= 100 else text[:99] + "…"

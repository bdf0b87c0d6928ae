"""The keys of a `github_actions` target, and an attempt's arguments; asks nobody."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.core import duration
from app.core.invalid import invalid
from app.core.spec import Environment

PLACEHOLDERS = ("{sha}", "{service}", "{environment}")
MOST_INPUTS = 25  # what GitHub takes
_OWN_INPUTS = 2
_LONGEST_SECONDS = 24 * 3600
_SENT = ("inputs", "sha_input", "attempt_input", "refuses_known_attempts")
_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]*")
_SHA = re.compile(r"[0-9a-f]{40}")
_SERVICE = re.compile(r"[a-z][a-z0-9_]*")


def _matching(pattern: str, problem: str) -> AfterValidator:
    def match(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} {problem}")
        return value

    return AfterValidator(match)


def _ref(value: str) -> str:
    if _SHA.fullmatch(value):
        raise ValueError("GitHub starts workflows of a branch or a tag: the SHA is an input")
    if not _REF.fullmatch(value) or ".." in value or value.endswith(("/", ".", ".lock")):
        raise ValueError(f"{value!r} is no name of a branch or tag")
    return value


def _filled(value: str) -> str:
    if value not in PLACEHOLDERS and re.search(r"[{}]", value):
        raise ValueError(
            f"{value!r} is no placeholder: a whole value may be {', '.join(PLACEHOLDERS)}"
        )
    return value


def _time_limit(value: str) -> str:
    seconds(value)
    return value


def seconds(timeout: str) -> int:
    """Return the seconds of a time limit, at most a day."""
    return duration.seconds(timeout, longest=_LONGEST_SECONDS)


_Input = Annotated[str, _matching(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", "is no name of an input")]
_Value = Annotated[str, Field(max_length=1000), AfterValidator(_filled)]


class Options(BaseModel):
    """The keys of a target.

    `workflow` is a file of `.github/workflows/`, `ref` the branch or tag that has it. The workflow
    gets the SHA and the attempt's id as the inputs that `sha_input` and `attempt_input` name. With
    `trigger = "push"` it is only watched: it begins by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    workflow: Annotated[
        str, _matching(r"[A-Za-z0-9_][A-Za-z0-9._-]*\.ya?ml", 'is no name of a file, "deploy.yml"')
    ]
    ref: Annotated[str, Field(max_length=200), AfterValidator(_ref)] = "main"
    inputs: dict[_Input, _Value] = {}
    sha_input: _Input = "sha"
    attempt_input: _Input = "attempt_id"
    timeout: Annotated[str, AfterValidator(_time_limit)] = "30m"
    trigger: Literal["dispatch", "push"] = "dispatch"
    refuses_known_attempts: bool = False


class Arguments(BaseModel):
    """What `arguments` returned, read again from the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow: str
    ref: str
    timeout: int
    trigger: Literal["dispatch", "push"]
    inputs: Mapping[str, str] = {}
    attempt_input: str = ""
    refuses_known_attempts: bool = False


def problems(
    options: Mapping[str, Any], service: str | None, environment: Environment
) -> list[tuple[str, str]]:
    """Return what is wrong with a target's options: the key and a sentence each."""
    try:
        parsed = Options.model_validate(options)
    except ValidationError as error:
        return invalid(error)
    if parsed.trigger == "push":
        return _of_push(options, environment)
    return _of_inputs(parsed, service)


def _of_push(options: Mapping[str, Any], environment: Environment) -> list[tuple[str, str]]:
    found = [(key, "nothing is sent to what begins by itself") for key in _SENT if key in options]
    if environment == "production":
        found.append(
            ("trigger", "production never begins by itself: nobody would have approved it")
        )
    return found


def _of_inputs(parsed: Options, service: str | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if parsed.sha_input == parsed.attempt_input:
        found.append(("attempt_input", "the SHA and the attempt's id need an input each"))
    for own in (parsed.sha_input, parsed.attempt_input):
        if own in parsed.inputs:
            found.append((f"inputs.{own}", "deploybot fills this input itself"))
    if len(parsed.inputs) > MOST_INPUTS - _OWN_INPUTS:
        found.append(("inputs", f"GitHub takes {MOST_INPUTS} inputs, with the SHA and the id"))
    if service is None and "{service}" in parsed.inputs.values():
        found.append(("inputs", "e2e tests have no {service}"))
    return found


def arguments(
    options: Mapping[str, Any], service: str | None, environment: Environment, sha: str
) -> dict[str, Any]:
    """Return the exact arguments; only the attempt's id is filled in by `start`."""
    if not _SHA.fullmatch(sha):
        raise ValueError(f"{sha!r} is no full SHA")
    if service is not None and not _SERVICE.fullmatch(service):
        raise ValueError(f"{service!r} is no service")
    wrong = problems(options, service, environment)
    if wrong:
        raise ValueError("; ".join(f"{key}: {sentence}" for key, sentence in wrong))
    parsed = Options.model_validate(options)
    common: dict[str, Any] = {
        "workflow": parsed.workflow,
        "ref": parsed.ref,
        "timeout": seconds(parsed.timeout),
        "trigger": parsed.trigger,
    }
    if parsed.trigger == "push":
        return common
    filled = {"{sha}": sha, "{service}": service or "", "{environment}": environment}
    inputs = {name: filled.get(value, value) for name, value in parsed.inputs.items()}
    return common | {
        "inputs": {**inputs, parsed.sha_input: sha},
        "attempt_input": parsed.attempt_input,
        "refuses_known_attempts": parsed.refuses_known_attempts,
    }

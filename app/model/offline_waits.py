"""What people want to wait for, in the few forms that the offline planner is sure of."""

import re
from collections.abc import Collection

from app.core.untrusted import one_line

_THROUGH = r"(?: (?:to be |is |is being |gets )?(?:through|done|out|deployed|shipped|finished))?"
_ENDS = r"(?: (?:to )?(?:finish|end|be done|complete|ends|is done|has ended|is through))?"
_SPEAKS = r"(?: (?:to )?(?:answer|reply|say (?:something|yes|ok)|answers|replies|is back))?"
_RUN = r"(?:github )?(?:workflow )?run #?(?P<run>\d{4,18})"
_FILE = r"(?:(?:workflow )?(?P<file>[\w.-]+\.ya?ml)(?: (?:workflow|run|workflow run))?)"
_PULL = r"(?:pr |pull request )?#(?P<pull>\d{1,9})"
_CLOCK = r"(?:\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m)"
_TIME = rf"(?P<time>(?:tomorrow (?:at )?|\d{{4}}-\d{{2}}-\d{{2}}[ t])?{_CLOCK})"
_WHO = r"(?:<@(?P<user>[uw][a-z0-9]+)(?:\|[^>]*)?>|@?(?P<name>[a-z][\w-]*))"
_BEFORE = re.compile(r"^\s*(?:<@[a-z0-9]+(?:\|[^>]*)?>[\s,:]*)?(?:(?:ok|please|hey|hm)[\s,]+)*")
_AFTER = r"(?:,? (?:please|thanks|thank you|first))*[.! ]*"
_FORMS = tuple(
    re.compile(rf"(?:wait|hold on|pause) (?:for|until|till) (?:the )?{form}{_AFTER}")
    for form in (_RUN + _ENDS, _FILE + _ENDS, _PULL + _THROUGH, _TIME, _WHO + _SPEAKS)
)


def awaited(text: str, people: Collection[str]) -> str:
    """Return what words want to be waited for, as `wait_for` takes it, "" if they do not say.

    A bare name counts only if it is one of `people`.
    """
    words = _BEFORE.sub("", one_line(text).lower())
    for form in _FORMS:
        match = form.fullmatch(words)
        if match:
            return _event(match.groupdict(), {person.lower() for person in people})
    return ""


def _event(said: dict[str, str | None], people: Collection[str]) -> str:
    if run := said.get("run"):
        return f"workflow run {run}"
    if file := said.get("file"):
        return f"workflow {file}"
    if pull := said.get("pull"):
        return f"#{pull}"
    if time := said.get("time"):
        return f"time {time.replace(' at ', ' ')}"
    if user := said.get("user"):
        return f"reply from @{user.upper()}"
    name = said.get("name")
    return f"reply from @{name}" if name in people else ""

"""The errors that the code raises on purpose; everything else is a fault."""

from app.core.events import Block


class UserError(Exception):
    """Carry a sentence that is shown to the person as it is."""


class ConfigError(Exception):
    """Carry every problem of the configuration, each with its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Conflict(Exception):
    """Report that the thread or a fact moved on: read again and decide anew."""


class Fenced(Exception):
    """Report that another worker has claimed the thread: stop working on it."""


class Locked(Exception):
    """Report that a target is locked by another thread."""

    def __init__(self, target: str, holder: str) -> None:
        super().__init__(f"{target} is locked by {holder}")
        self.target = target
        self.holder = holder


class NotStarted(Exception):
    """Report that an attempt certainly did not begin; the sentence says why."""


class Withheld(NotStarted):
    """Report that the look right before the send refused it: no deployer was asked for anything."""


class StoppedBefore(Withheld):
    """Report that a person stopped the thread before the attempt was sent."""


class Blocked(Exception):
    """Report that a lock or a freeze stands against an approved action now."""

    def __init__(self, block: Block) -> None:
        super().__init__(block.service)
        self.block = block


class ModelUnavailable(Exception):
    """Report that no model answered within its budget; the sentence says why."""


class ModelMisbehaved(Exception):
    """Report an answer that is no tool call; the sentence goes back to the model."""


class SourceUnavailable(Exception):
    """Report that GitHub (or what stands in for it) could not be asked."""


class SourceMissing(SourceUnavailable):
    """Report that it answered, and has no such thing: asking again does not help."""


class StoreUnavailable(Exception):
    """Report that the thread log could not be reached: nothing is known to be stored."""


class ChatUnavailable(Exception):
    """Report that the chat could not be asked, or may not have taken what was sent."""


class ChatRefused(Exception):
    """Report that the chat did not do what was asked, and why."""


class RateLimited(Exception):
    """Report that the chat wants to be left alone for `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class MessageGone(Exception):
    """Report that a message to be edited does not exist any more."""

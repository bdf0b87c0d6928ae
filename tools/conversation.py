"""The tools that only speak: reply, ignore, ask, and the two ends of a plan."""

from collections.abc import Sequence

from pydantic import Field

from app.core.config import RepoConfig
from app.core.events import BotSaid, Event, Ignored, PlanEnded
from tools.tool import Arguments, Desk, Tool


class ReplyArguments(Arguments):
    message: str = Field(
        description="The answer, short, plain text.", min_length=1, max_length=4000
    )


class IgnoreArguments(Arguments):
    reason: str = Field(description="Why the words need no step.", max_length=2000)


class QuestionArguments(Arguments):
    question: str = Field(description="One question, short.", min_length=1, max_length=2000)
    choices: list[str] = Field(
        description="Up to 5 short answers to choose from; empty for a free answer.", max_length=5
    )


class DoneArguments(Arguments):
    message: str = Field(description="What was done, one line.", min_length=1, max_length=4000)


class NothingArguments(Arguments):
    reason: str = Field(description="Why nothing is to be done.", min_length=1, max_length=4000)


def tools(repo: RepoConfig) -> list[Tool]:
    """Return the tools."""
    return [
        Tool(
            "reply",
            "Answer a person's words; the card that waits, if any, stays as it is.",
            ReplyArguments,
            _reply,
            when="answering",
            settles=False,
        ),
        Tool(
            "ignore",
            "Let a person's words pass; the card that waits, if any, stays as it is.",
            IgnoreArguments,
            _ignore,
            when="answering",
            settles=False,
        ),
        Tool(
            "request_more_information",
            "Ask people a question and wait for the answer; the card that waits, if any, is held "
            "until then.",
            QuestionArguments,
            _ask,
            settles=False,
        ),
        Tool("done_for_now", "Say that the plan is finished.", DoneArguments, _done),
        Tool("nothing_to_do", "Say that nothing is to be done.", NothingArguments, _nothing),
    ]


async def _reply(desk: Desk, arguments: ReplyArguments) -> Sequence[Event]:
    return [BotSaid(call_id=desk.call_id, text=arguments.message, because="reply")]


async def _ignore(desk: Desk, arguments: IgnoreArguments) -> Sequence[Event]:
    return [Ignored(call_id=desk.call_id, reason=arguments.reason)]


async def _ask(desk: Desk, arguments: QuestionArguments) -> Sequence[Event]:
    choices = tuple(choice[:75] for choice in arguments.choices if choice.strip())
    asked = BotSaid(
        call_id=desk.call_id, text=arguments.question, because="question", choices=choices
    )
    return [asked]


async def _done(desk: Desk, arguments: DoneArguments) -> Sequence[Event]:
    return [PlanEnded(call_id=desk.call_id, message=arguments.message)]


async def _nothing(desk: Desk, arguments: NothingArguments) -> Sequence[Event]:
    return [PlanEnded(call_id=desk.call_id, message=arguments.reason)]

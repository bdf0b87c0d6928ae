"""The planner without a model: answers people's words, and otherwise proposes what is left."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core import events as ev
from app.core.cards import Card
from app.core.ports import ModelAnswer, Turn
from app.model import offline_replies as say
from app.model.offline_answers import known
from app.model.offline_memory import resolve
from app.model.offline_plan import Plan, Step
from app.model.offline_sentences import WISHES
from app.model.offline_topic import is_about_the_deploy, wants_an_answer
from app.model.offline_words import DEFAULT_WAIT_SECONDS, HELP, Heard, hear

NAME = say.NAME
TOLD: Mapping[str, str] = {
    "running": "production",
    "went out": "went_out",
    "who approved": "last_approval",
    "waiting": "waiting",
    "blocked": "blocked",
    "approvers": "approvers",
    "reminder": "approvers",
}
FIXED: Mapping[str, str] = {"help": HELP, "locking": say.HOW_TO_LOCK, "no wait": say.NO_WAIT}
MAX_WAIT_SECONDS = 7 * 24 * 3600


class OfflinePlanner:
    """A `Model` that is code: it never guesses, and asks when it is not sure.

    It works on the turn's state and entries, so it needs no prompt and always answers the same.
    """

    @property
    def name(self) -> str:
        """Return the name that cards and logs show."""
        return NAME

    async def next_step(self, turn: Turn) -> ModelAnswer:
        """Return the next step; raises nothing."""
        step = next_step(turn)
        return ModelAnswer(tool=step.tool, arguments=dict(step.arguments), by=NAME)


def next_step(turn: Turn) -> Step:
    """Return the next step of a thread; deterministic."""
    return _Answering(turn).step()


class _Answering:
    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.state = turn.state
        self.tools = {tool.name for tool in turn.tools}
        self.plan = Plan(turn)

    def step(self) -> Step:
        """Return the step if its tool is there and code has not just refused it, else words."""
        step = self._answer() if self.state.unread else self.plan.next_step()
        if step.tool not in self.tools:
            return self._not_now(step)
        if self._is_open(step):
            return self._repeat()
        refused = self._refused(step)
        if refused is None:
            return step
        if "reply" not in self.tools:
            return self.plan.ask(f"I cannot go on: {refused}")
        return _reply(f"I cannot do that: {refused}")

    def _not_now(self, step: Step) -> Step:
        """Say that a step cannot be now; words that may be against a plan give up its rest."""
        asks = step.tool == "request_more_information" and self.state.unread
        if asks and "change_plan" in self.tools:
            return Step("change_plan", {"reason": say.GIVEN_UP})
        return _reply(say.not_now(self.state, step.tool))

    def _answer(self) -> Step:
        """Answer the unread words: what is unclear, then wishes, questions, courtesies."""
        services, mode = self.plan.names, self.state.mode
        people = self.turn.repo.people
        heard = [hear(words.text, services, mode, people) for words in self.state.unread]
        said = list(zip(self.state.unread, heard, strict=True))
        unclear = [words.text for words, h in said if h.kind == "unclear"]
        if any(map(self._is_meant, unclear)):
            return self.plan.ask(say.UNCLEAR)
        heard = [h for h in heard if h.kind != "unclear"]
        if not heard:
            return self._chat(unclear)
        kinds = {h.kind for h in heard}
        wishes = [h for h in heard if h.kind in WISHES or h.kind in ("wait", "e2e")]
        if wishes:
            return self._wish(wishes[-1])
        talk = [h for h in heard if h.kind not in ("thanks", "approval")]
        if talk:
            return self._talk(talk[-1])
        return self._approval() if "approval" in kinds else self._courtesy()

    def _is_meant(self, text: str) -> bool:
        """Tell whether words that were not understood may be about the deploy, or an answer."""
        if self.plan.memory.asked or is_about_the_deploy(text, self.plan.names):
            return True
        feedback = any(c.status == "rejected" and c.text == text for c in self.state.cards.values())
        opening = self.state.origin != "merge" and not self.state.says and not self.state.cards
        return feedback or opening

    def _is_open(self, step: Step) -> bool:
        """Tell whether people would read the very question that is open already."""
        if step.tool != "request_more_information" or self.state.owes_step:
            return False
        if self.state.pending and self._is_news():
            return False
        return bool(self.state.unread) and step.arguments["question"] == self.plan.memory.asked

    def _is_news(self) -> bool:
        """Tell whether words hold the card that are not those which it is held by already."""
        doubt = self.state.in_doubt
        before = {words.user for words in doubt.about} if doubt else set[str]()
        new = (words.text for words in self.state.unread if words.user not in before)
        return doubt is None or any(is_about_the_deploy(text, self.plan.names) for text in new)

    def _repeat(self) -> Step:
        return self._once(say.still_unclear(self.plan.choices()))

    def _once(self, text: str) -> Step:
        """Say a thing, but not twice before people are understood again."""
        said = text in self.plan.memory.said_once
        return Step("ignore", {"reason": "said already"}) if said else _reply(text)

    def _chat(self, texts: Sequence[str]) -> Step:
        """Let people talk among themselves; answer once what may be for the bot."""
        if self.state.wait_held or not any(map(wants_an_answer, texts)):
            return self._courtesy("nothing here is about the deploy")
        return self._once(say.not_answered(self.state.pending is not None))

    def _wish(self, heard: Heard) -> Step:
        if heard.kind == "wait":
            seconds = 0 if heard.event else heard.number or DEFAULT_WAIT_SECONDS
            return _wait(heard.event, seconds, "a person asked to wait")
        if heard.kind == "e2e":
            return Step("run_e2e_tests", {"environment": heard.environment})
        if self.plan.memory.odd_sha:
            return self._odd_sha()
        if self.plan.memory.nothing_back or self._is_in_newer(heard):
            return _reply(say.nothing_back(self.state))
        step = self.plan.next_step()
        changeable = self.state.changeable
        if changeable:
            return self._change(step, changeable)
        card = self.state.pending
        if card is None or self.state.in_doubt or not _is_the_card(step, card):
            return step
        sha, there = card.request.spec.sha, self.plan.there
        if heard.services and all(there.get(service) == sha for service in heard.services):
            return _reply(f"{say.there_already(heard.services, sha)} {say.CARD_WAITS}")
        return _reply(say.SAME_CARD)

    def _is_in_newer(self, heard: Heard) -> bool:
        """Tell whether what people want back, naming nothing, has others' commits on top of it."""
        unnamed = heard.kind == "rollback" and not heard.services and not heard.sha
        return unnamed and not self.state.owes_step and self.plan.is_in_newer()

    def _change(self, step: Step, card: Card) -> Step:
        """Give up what is left of a plan if people want something else than that."""
        left = [each.name for each in card.left]
        wanted = [name for name in self.plan.names_of(step) if name in left]
        if wanted == left and step.arguments.get("sha") == card.request.spec.sha:
            return _reply(say.GOES_ON)
        return Step("change_plan", {"reason": "a person asked for something else"})

    def _odd_sha(self) -> Step:
        text = say.unknown_sha(self.plan.memory.odd_sha, list(self.state.known.values()))
        return _reply(text) if self.state.pending else self.plan.ask(text)

    def _talk(self, heard: Heard) -> Step:
        if heard.kind == "keep":
            return _reply(self._how_it_stands())
        answer = FIXED.get(heard.kind, "") or known(heard, self.state, self.turn.repo)
        return _reply(answer) if answer else self._looked_up(heard)

    def _how_it_stands(self) -> str:
        if self.state.in_doubt:
            return say.HELD
        return say.CARD_WAITS if self.state.pending else say.NO_CARD

    def _looked_up(self, heard: Heard) -> Step:
        match heard.kind:
            case "who approved" | "when" if heard.sha:
                return self._commit(heard.sha)
            case kind if kind in TOLD:
                of = (heard.day,) if kind == "went out" else heard.services
                return Step(
                    "tell_facts", {"about": TOLD[kind], "of": of[0] if len(of) == 1 else ""}
                )
            case "thread":
                return Step("tell_facts", {"about": "thread", "of": heard.merge})
            case "commits":
                limit = max(1, min(heard.number or 10, 20))
                return self._fetch("The newest commits", "list_git_commits", {"limit": limit})
            case "deployments":
                service = (*heard.services, *self.plan.services)[0]
                arguments = {"service": service}
                return self._fetch(f"Deployments of {service}", "list_deployments", arguments)
            case _:
                return self._question()

    def _commit(self, sha: str) -> Step:
        known = resolve(sha, self.state.known)
        if known is None:
            return _reply(say.unknown_sha(sha, list(self.state.known.values())))
        return Step("tell_facts", {"about": "commit", "of": known})

    def _question(self) -> Step:
        texts = [words.text for words in self.state.unread]
        if any(is_about_the_deploy(text, self.plan.names) for text in texts):
            return _reply(f"{say.NOT_ANSWERED} {HELP}")
        return self._chat(texts)

    def _fetch(self, what: str, tool: str, arguments: Mapping[str, Any]) -> Step:
        result = self._fetched()
        return Step(tool, arguments) if result is None else _reply(say.fetched(what, result))

    def _fetched(self) -> str | None:
        """Return what a tool answered, or why it was refused, since a person last spoke."""
        for entry in reversed(self.turn.entries):
            match entry.event:
                case ev.HumanSaid() | ev.ApprovalRejected():
                    return None
                case ev.ToolAnswered(result=result):
                    return result
                case ev.ToolRefused(error=error):
                    return f"not available: {error}"
                case _:
                    continue
        return None

    def _approval(self) -> Step:
        if self.state.pending:
            return _reply(say.HELD if self.state.in_doubt else say.BUTTON)
        if self.state.staging and self.state.staging.passed is None:
            return _reply(say.AHEAD)
        if self.state.question or self.state.plan_ended is not None:
            return _reply(say.NO_CARD)
        if "request_more_information" not in self.tools:
            return _reply(say.NO_CARD)
        if self.plan.memory.unclear:
            return _reply(say.NO_CARD)
        return self.plan.next_step()

    def _courtesy(self, reason: str = "thanks need no step") -> Step:
        """Let words pass; a wait goes on by that."""
        return Step("ignore", {"reason": reason})

    def _refused(self, step: Step) -> str | None:
        """Return why code refused the very same call since a person spoke or the bot went on."""
        errors: dict[str, str] = {}
        for entry in reversed(self.turn.entries):
            match entry.event:
                case ev.ToolRefused(call_id=call_id, error=error):
                    errors[call_id] = error
                case ev.ToolProposed() as call if call.call_id in errors:
                    if (call.tool, dict(call.arguments)) == (step.tool, dict(step.arguments)):
                        return errors[call.call_id]
                case ev.HumanSaid() | ev.ApprovalRejected() | ev.BotSaid() | ev.ToolEnded():
                    return None
                case _:
                    continue
        return None


def _is_the_card(step: Step, card: Card) -> bool:
    """Tell whether a step would ask for exactly what a card asks for."""
    spec, names = card.request.spec, [each.service for each in card.request.specs]
    same = step.tool == spec.tool if len(names) == 1 else step.arguments.get("steps") == names
    return same and step.arguments.get("sha", spec.sha) == spec.sha


def _wait(event: str, seconds: int, reason: str) -> Step:
    arguments = {"event": event, "seconds": min(seconds, MAX_WAIT_SECONDS), "reason": reason}
    return Step("wait_for", arguments)


def _reply(message: str) -> Step:
    return Step("reply", {"message": message})

"""What the offline planner proposes: the next deploy or rollback, the end, or a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import events as ev
from app.core.ports import Turn
from app.core.spec import MAX_PLAN_STEPS
from app.core.way_back import no_way
from app.model import offline_replies as say
from app.model.offline_jobs import asked_for, with_jobs
from app.model.offline_memory import in_order, resolve, wanted
from app.model.offline_remembering import remember

STOP = "stop here"
MAX_CHOICES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One tool call."""

    tool: str
    arguments: Mapping[str, Any]


class Plan:
    """The next step of a thread, from what people want and what production has."""

    def __init__(self, turn: Turn) -> None:
        self.state, self.repo = turn.state, turn.repo
        self.services = list(turn.repo.production.services)
        self.names = turn.repo.production.order
        self.memory = remember(turn.entries, turn.state, self.names, turn.repo.people)
        self.facts: Sequence[ev.Running] = turn.state.facts.running if turn.state.facts else ()
        told = {running.service: self._full(running.sha) for running in self.facts}
        shipped = turn.state.shipped
        self.production = {s: told.get(s) or shipped.get(s) for s in self.services}
        self.there = {**self.production, **turn.state.ran}

    def next_step(self) -> Step:
        """Propose what people want and production does not have, or end, or ask."""
        memory = self.memory
        if memory.ended:
            return self._done("as asked")
        if memory.unclear:
            return self.ask(say.UNCLEAR)
        if memory.troubled:
            return self.ask(memory.troubled)
        back = self.state.mode == "rollback" or memory.back is not None
        step = self._rollback() if back else self._deploy()
        if memory.unsure and "sha" in step.arguments:
            return self.ask(say.UNSURE)
        return step

    def target(self) -> str | None:
        """Return the SHA that is to be deployed, if any is known."""
        if self.memory.sha:
            return self.memory.sha
        if self.state.sha:
            return self.state.sha
        if self.state.shipped:
            return list(self.state.shipped.values())[-1]
        staged = self.state.facts.staged if self.state.facts else ()
        return staged[0].sha if staged else None

    def ask(self, question: str) -> Step:
        """Ask people, with choices that the planner itself understands."""
        arguments = {"question": question, "choices": self.choices()}
        return Step("request_more_information", arguments)

    def _deploy(self) -> Step:
        sha = self.target()
        if sha is None:
            return self.ask("No commit has passed staging here. Which SHA should I deploy?")
        if self.memory.only is not None and not self.memory.only and not self.memory.skip:
            return self.ask("What should I deploy?")
        picked = wanted(self.services, self.memory)
        todo = [s for s in picked if not self._has(s, sha) and not self._is_left_out(s)]
        good = [s for s in todo if not self._is_bad(s, sha)]
        steps = with_jobs(good, self.repo, self.state, self.memory, sha)
        left = [name for name in steps if not self._is_refused(self._tool(name), sha)]
        if left:
            return self._proposed(left[:MAX_PLAN_STEPS], sha)
        if picked and not todo and not self.state.shipped:
            reason = say.there_already(picked, sha, self._ahead(picked, sha))
            return Step("nothing_to_do", {"reason": reason})
        return self._done(_left_because(len(todo), len(good)))

    def _proposed(self, names: Sequence[str], sha: str) -> Step:
        """Propose what is left: by one card, or the first of it."""
        arguments = {"sha": sha, "reason": self._reason(names[0])}
        if self.repo.approval == "plan" and len(names) > 1:
            return Step("propose_plan", {**arguments, "steps": list(names)})
        return Step(self._tool(names[0]), arguments)

    def names_of(self, step: Step) -> list[str]:
        """Return the services and jobs that a step proposes, in order."""
        single = [name for name in self.names if self._tool(name) == step.tool]
        return list(step.arguments.get("steps", single))

    def _tool(self, name: str) -> str:
        return f"run_{name}_in_prod" if name in self.repo.production.jobs else _deploys(name)

    def _has(self, service: str, sha: str) -> bool:
        """Tell whether production has a commit of a service, by itself or in a newer one."""
        return self.production[service] == sha or bool(self._ahead([service], sha))

    def _ahead(self, services: Sequence[str], sha: str) -> list[str]:
        """Return which of some services run a newer commit that has this one."""
        ahead = {running.service for running in self.facts if running.ahead_of == sha}
        return [service for service in services if service in ahead]

    def _is_left_out(self, service: str) -> bool:
        """Tell whether the thread is not about a service, and nobody asked for it."""
        found = self.state.undeployed
        others = self.state.is_untouched(service) or (found and service not in found.was)
        return bool(others) and service not in asked_for(self.memory)

    def _is_open(self, service: str, sha: str) -> bool:
        """Tell whether to offer a service; what failed or was refused is offered as a new try."""
        settled = self._has(service, sha) or self._is_refused(_deploys(service), sha)
        return not settled and not self._is_left_out(service)

    def _is_refused(self, tool: str, sha: str) -> bool:
        return (tool, sha) in self.memory.blocked or (tool, sha) in self.state.refused

    def _is_bad(self, service: str, sha: str) -> bool:
        held = (r.hold for r in self.facts if r.service == service and r.hold)
        return self.state.rolled_back.get(service) == sha or any(sha in hold for hold in held)

    def _reason(self, service: str) -> str:
        memory = self.memory
        if memory.order:
            return f"{say.AS_ASKED}: {memory.order}."
        asked = service in memory.first or memory.only or memory.skip or memory.sha
        if asked:
            return f"{say.AS_ASKED}."
        due = self.state.facts.jobs.get(service) if self.state.facts else None
        return say.due(due) if due else ""

    def _rollback(self) -> Step:
        memory = self.memory
        named = memory.back or self._to_go_back()
        if any(name in self.repo.production.jobs for name in named):
            return self.ask(say.NO_JOB_GOES_BACK)
        order = [s for s in in_order(named, memory) if s not in self.state.rolled_back]
        picked = wanted(order, memory) if self.state.mode == "rollback" else order
        picked = [service for service in picked if service not in memory.spared]
        if not order and not self.state.rolled_back:
            moved = say.moved_on(self.state) if memory.before else say.NOTHING_TO_GO_BACK
            return self._which_way(moved, ())
        if memory.back_sha is None and len(picked) > 1:
            return self._all_back(picked)
        for service in picked:
            sha = memory.back_sha or self._earlier(service)
            if sha is None:
                return self._no_way(service)
            tool = f"rollback_{service}_in_prod"
            if not self._is_refused(tool, sha):
                return Step(tool, {"sha": sha, "reason": self._why_back()})
        return self._done("")

    def _all_back(self, services: Sequence[str]) -> Step:
        """Propose one card for all that can go back; ask where one of them cannot."""
        ways = self._ways()
        stuck = next((service for service in services if ways.get(service) is None), None)
        if stuck:
            return self._no_way(stuck)
        tools = {service: f"rollback_{service}_in_prod" for service in services}
        left = [s for s in services if not self._is_refused(tools[s], str(ways[s]))]
        if len(left) == 1:
            return Step(tools[left[0]], {"sha": ways[left[0]], "reason": self._why_back()})
        if left:
            steps = left[:MAX_PLAN_STEPS]
            return Step("propose_rollback", {"steps": steps, "reason": self._why_back()})
        return self._done("")

    def _why_back(self) -> str:
        memory = self.memory
        if memory.back is not None:
            return f"{say.AS_ASKED}."
        return say.why_back(memory.by_button, memory.red)

    def is_in_newer(self) -> bool:
        """Tell whether newer commits, which have this thread's, run wherever it shipped."""
        before, sha = list(self.memory.before), self.state.sha
        return sha is not None and bool(before) and self._ahead(before, sha) == before

    def _to_go_back(self) -> list[str]:
        """Return what this thread shipped and still runs, or else the newest change."""
        before, shipped = self.memory.before, self.state.shipped
        if before:
            return [s for s in reversed(before) if self.production[s] == shipped.get(s)]
        return list(self.memory.together)

    def _earlier(self, service: str) -> str | None:
        """Return the one version that code takes for a rollback unless people name another."""
        return self._ways().get(service)

    def _ways(self) -> dict[str, str | None]:
        return {running.service: running.back_to for running in self.facts}

    def _no_way(self, service: str) -> Step:
        old = self.memory.before.get(service)
        ran = [old] if old and old in self.state.known else []
        untested = [f"roll back {say.spelt(service)} to {say.short(sha)}" for sha in ran]
        return self._which_way(no_way(self.repo, self._ways(), service, ran), untested)

    def _which_way(self, question: str, first: Sequence[str]) -> Step:
        can = [f"roll back {say.spelt(s)}" for s, sha in self._ways().items() if sha]
        choices = [*first, *can][: MAX_CHOICES - 1]
        arguments = {"question": question, "choices": [*choices, STOP]}
        return Step("request_more_information", arguments)

    def _done(self, why: str) -> Step:
        sha, shipped = self.target(), self.state.shipped
        left = {s: v for s, v in self.production.items() if s not in shipped and v != sha}
        left = {s: v for s, v in left.items() if not self._is_left_out(s)}
        ahead = self._ahead(list(left), sha) if sha else []
        left = {s: v for s, v in left.items() if s not in ahead}
        message = say.done(shipped, left, why, self.state.ran, ahead, sha or "")
        return Step("done_for_now", {"message": message})

    def choices(self) -> list[str]:
        """Return what people can choose from now, in words that the planner understands."""
        back = [f"roll back {say.spelt(s)}" for s in reversed(self.memory.before)]
        again = [self._again()] if self.memory.troubled else []
        first = [*([say.KEEP] if self.state.pending else []), *again]
        room = MAX_CHOICES - 1 - len(first)
        if self.state.mode == "rollback":
            return [*first, *back[:room], STOP]
        sha = self.target()
        left = [say.spelt(s) for s in self.services if sha and self._is_open(s, sha)]
        options = [f"{s} first" for s in left] if len(left) > 1 else [f"deploy {s}" for s in left]
        if len(left) == 2:
            options += [f"only {s}" for s in left]
        return [*first, *options[: room - len(back[:1])], *back[:1], STOP]

    def _again(self) -> str:
        return "again" if self.memory.troubled.endswith(say.AGAIN) else "try again"

    def _full(self, sha: str | None) -> str | None:
        return sha and (resolve(sha, self.state.known) or sha)


def _left_because(todo: int, good: int) -> str:
    if not todo:
        return "not asked for"
    # Of what was refused or failed code tells more than is known here.
    return "" if good else "rolled back from this commit, which is on hold"


def _deploys(service: str) -> str:
    return f"deploy_{service}_to_prod"

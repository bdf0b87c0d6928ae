"""A LangGraph agent with one tool that people approve; knows nothing of deploybot.

    langgraph_peer.py STORE serve                     one JSON request a line, one answer a line
    langgraph_peer.py STORE start|approve|resume LOG  one process of the kill -9 comparison

STORE is a Valkey URL or the path of an SQLite file; with "delta:" in front of it the messages are
a `DeltaChannel`. As documented: approval by `interrupt` and `Command(resume=...)`, recovery by
`invoke(None)`, every checkpoint written before the next step starts (`durability="sync"`).
"""

# Its packages are only in the bench's own .venv, out of the type checker's sight.
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false
# pyright: reportUntypedFunctionDecorator=false, reportMissingTypeArgument=false

import sqlite3
import sys
import uuid
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, interrupt
from langgraph_checkpoint_aws import ValkeySaver
from serving import SHA, Measured, deploy, serve
from valkey import Valkey

THREAD = "killed"


class Whole(TypedDict):
    """The usual state of an agent: a checkpoint holds all its messages."""

    messages: Annotated[list[AnyMessage], add_messages]


def _extended(messages: list[Any], writes: Any) -> list[Any]:
    return [*messages, *chain.from_iterable(writes)]


class Delta(TypedDict):
    """Messages of which a checkpoint holds what is new, and all of them now and then (beta)."""

    messages: Annotated[list[AnyMessage], DeltaChannel(_extended)]


def build(store: str, tool: Callable[[], str]) -> Any:
    """Build the graph agent -> approval -> tool -> agent on a store."""

    def agent(state: Any) -> dict[str, Any]:
        call = {"name": "deploy_frontend_to_prod", "args": {"sha": SHA}, "id": uuid.uuid4().hex}
        return {"messages": [AIMessage(content="", tool_calls=[call])]}

    def approval(state: Any) -> Command:
        approved = interrupt({"approve": state["messages"][-1].tool_calls[0]})
        return Command(goto="tool" if approved else END)

    def act(state: Any) -> dict[str, Any]:
        call = state["messages"][-1].tool_calls[0]
        return {"messages": [ToolMessage(tool(), tool_call_id=call["id"])]}

    graph = StateGraph(Delta if store.startswith("delta:") else Whole)
    graph.add_node("agent", agent)
    graph.add_node("approval", approval, destinations=("tool", END))
    graph.add_node("tool", act)
    graph.add_edge(START, "agent")
    graph.add_edge("agent", "approval")
    graph.add_edge("tool", "agent")
    return graph.compile(checkpointer=_saver(store.removeprefix("delta:")))


def _saver(store: str) -> Any:
    if "://" in store:
        return ValkeySaver(Valkey.from_url(store))
    connection = sqlite3.connect(store, check_same_thread=False, timeout=30)
    saver = SqliteSaver(connection)
    saver.setup()
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    assert level == 2, "SQLite has to sync each commit, as the others' store does"
    return saver


def _config(thread: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread}}


class Cycles:
    """Serves pause-and-resume cycles."""

    def __init__(self, store: str) -> None:
        self._graph = build(store, lambda: "deployed")
        # What a delta costs to read depends on how it came to be; a whole state is what it is.
        self._step = 10 if store.startswith("delta:") else sys.maxsize

    async def prepare(self, thread: str, texts: list[str]) -> None:
        """Bring a thread with these messages to its first pause."""
        config = _config(thread)
        for start in range(0, len(texts), self._step):
            said = [HumanMessage(text) for text in texts[start : start + self._step]]
            self._graph.update_state(config, {"messages": said}, as_node=START)
        self._graph.invoke(None, config, durability="sync")
        assert len(self._graph.get_state(config).values["messages"]) == len(texts) + 1

    async def cycle(self, thread: str) -> float:
        """Approve, run the tool, and come to the next pause; return the seconds."""
        with Measured() as measured:
            answer = self._graph.invoke(Command(resume=True), _config(thread), durability="sync")
        assert "__interrupt__" in answer
        return measured.seconds


def once(store: str, verb: str, log: Path) -> None:
    """Run one process of the comparison under kill -9."""
    graph, config = build(store, lambda: deploy(log)), _config(THREAD)
    match verb:
        case "start":
            graph.invoke({"messages": [HumanMessage("deploy")]}, config, durability="sync")
        case "approve":
            graph.invoke(Command(resume=True), config, durability="sync")
        case "resume":
            graph.invoke(None, config, durability="sync")
        case _:
            raise SystemExit(f"unknown: {verb}")


if __name__ == "__main__":
    if sys.argv[2] == "serve":
        serve(Cycles(sys.argv[1]))
    else:
        once(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

"""The DAG of dag.tsv as a LangGraph graph with the SQLite checkpointer: a node a task, which starts a shell."""

import operator
import subprocess
import sys
from pathlib import Path
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    done: Annotated[int, operator.add]


def work(_state):
    subprocess.run("/bin/true", shell=True, check=True)
    return {"done": 1}


lines = [line.split("\t")[1] for line in Path("dag.tsv").read_text().splitlines()]
graph = StateGraph(State)
for number, before in enumerate(lines):
    graph.add_node(f"t{number}", work)
for number, before in enumerate(lines):
    names = [f"t{other}" for other in before.split(",") if other]
    graph.add_edge(names if len(names) > 1 else names[0] if names else START, f"t{number}")
graph.add_edge(f"t{len(lines) - 1}", END)
with SqliteSaver.from_conn_string("checkpoints.sqlite") as saver:
    config = {"configurable": {"thread_id": "1"}, "max_concurrency": int(sys.argv[1]), "recursion_limit": 10 * len(lines)}
    done = graph.compile(checkpointer=saver).invoke({"done": 0}, config)["done"]
if done != len(lines):
    sys.exit(f"{done} of {len(lines)} tasks were done")

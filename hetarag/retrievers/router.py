"""The router: what each store is asked, by what the question looks like.

`all` asks every store with equal weight: the plain mode that `rules` is measured against. Both say
why, in the plan that the trace shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hetarag.text import words
from hetarag.types import Query, StoreKind, StorePlan

Router = Callable[[Query, int, Mapping[str, StoreKind]], Mapping[str, StorePlan]]
"""Takes the question, k, and the stores by name with the kind of each; returns a plan for each list."""

_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{2,})[\"“”«»]")
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{3,}\b")
_COMPUTED = re.compile(
    r"\b(how many|how much|number of|count of|total|sum of|average|mean|median|"
    r"most|least|fewest|largest|smallest|biggest|highest|lowest|longest|shortest|oldest|"
    r"youngest|newest|earliest|latest|more than|less than|fewer than|at least|at most|between)\b",
    re.IGNORECASE,
)
# The weight of a walk from the question's own names, found on development questions of three
# multi-hop sets (docs/research/notes/retrieval.md): 2 to 3 are alike, 1 and 4 are worse.
_NAMED = 2.5
# A statement is only written for a question that is understood word for word, and its result is then
# right nine times in ten: it comes before whatever the other lists agree on.
_CERTAIN = 10.0
_CANDIDATES = 50  # per store: fusion needs depth, and hydration only reads what it shows


def route_all(_query: Query, k: int, stores: Mapping[str, StoreKind]) -> dict[str, StorePlan]:
    """Ask every store, with equal weight."""
    depth = max(k, _CANDIDATES)
    return {store: StorePlan(1.0, depth, "every store is asked") for store in _lists(stores)}


def route_by_rules(query: Query, k: int, stores: Mapping[str, StoreKind]) -> dict[str, StorePlan]:
    """Weigh the stores by what the question names and asks for."""
    depth = max(k, _CANDIDATES)
    rules = {
        "vector": _vector,
        "fulltext": _fulltext,
        "graph": _graph,
        "hops": _hops,
        "sql": _sql,
        "computed": _computed,
    }
    plan = {}
    for store in _lists(stores):
        kind = stores.get(store, store)
        weight, reason = rules[kind](query) if kind in rules else (1.0, "no rule for its kind")
        plan[store] = StorePlan(weight, depth, reason)
    return plan


def _lists(stores: Mapping[str, StoreKind]) -> list[str]:
    """The lists that are fused: one of each store, the graph's second, SQL's computed answers."""
    hops = ["hops"] if "graph" in stores.values() else []
    return [*stores, *hops, *(["computed"] if "sql" in stores.values() else [])]


def _vector(query: Query) -> tuple[float, str]:
    if len(words(query.text)) <= 2:
        return 0.7, "too few words to carry a meaning of their own"
    return 1.0, "meaning"


def _fulltext(query: Query) -> tuple[float, str]:
    if found := _QUOTED.search(query.text):
        return 1.5, f"quoted: {found.group(1)}"
    if found := _CODE.search(query.text):
        return 1.3, f"an exact name or code: {found.group()}"
    return 1.0, "words"


def _graph(query: Query) -> tuple[float, str]:
    if query.entities:
        names = ", ".join(linked.entity.name for linked in query.entities[:5])
        return _NAMED, f"names {names}"
    return 1.0, "names nothing that is known"


def _hops(_query: Query) -> tuple[float, str]:
    return 1.0, "what the best hits of the other stores lead to, where nothing reranks"


def _sql(query: Query) -> tuple[float, str]:
    if found := _COMPUTED.search(query.text):
        return 1.5, f"asks for a computed answer: {found.group()}"
    return 1.0, "names of tables, columns and cells"


def _computed(_query: Query) -> tuple[float, str]:
    return _CERTAIN, "an answer computed from a table, if the question can be put as SQL"


ROUTERS: Mapping[str, Router] = {"rules": route_by_rules, "all": route_all}

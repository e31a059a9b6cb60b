"""What an expression of PromQL asks for, held against what the endpoints tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as promql

SELECTING = ("topk", "bottomk")  # aggregations that keep the labels of what they choose

Known = Mapping[str, set[str]]
"""Label names by the name of a series."""


def problems(expression: str, known: Known, used: set[str]) -> list[str]:
    """What of it is not there: series, labels in braces, by, without and on, and the labels `used` of its result."""
    try:
        tree = promql.parse(expression)
    except ValueError as fault:
        return [f"{expression}: {fault}"]
    found: list[str] = []
    labels = _labels(tree, known, found)
    found += [f"the result has no label {name}" for name in sorted(used - labels)]
    return [f"{expression}: {problem}" for problem in found]


def series(expression: str) -> set[str]:
    """Names of all series in it."""
    return {node.name for node in _nodes(promql.parse(expression)) if isinstance(node, promql.VectorSelector)}


def _children(node: Any) -> list[Any]:
    if isinstance(node, promql.Call):
        return list(node.args)
    names = ("expr", "lhs", "rhs", "vector_selector")
    return [getattr(node, name) for name in names if getattr(node, name, None) is not None]


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _labels(node: Any, known: Known, found: list[str]) -> set[str]:
    """The labels of a node's result; what is wrong below it goes to `found`."""
    if isinstance(node, promql.VectorSelector):
        return _of_selector(node, known, found)
    of_children = [_labels(child, known, found) for child in _children(node)]
    if isinstance(node, promql.AggregateExpr):
        return _of_aggregate(node, of_children[0], found)
    if isinstance(node, promql.BinaryExpr):
        matching = node.modifier.matching if node.modifier else None
        for name in matching.labels if matching else ():
            found += [f"no label {name} on both sides"] if not all(name in side for side in of_children) else []
        return of_children[0] or of_children[1]
    labels = set().union(*of_children)
    return labels - {"le"} if isinstance(node, promql.Call) and node.func.name == "histogram_quantile" else labels


def _of_selector(node: Any, known: Known, found: list[str]) -> set[str]:
    if node.name not in known:
        found.append(f"no series {node.name}")
        return set()
    labels = known[node.name]
    found += [f"{node.name} has no label {one.name}" for one in node.matchers.matchers if one.name not in labels]
    return labels


def _of_aggregate(node: Any, inner: set[str], found: list[str]) -> set[str]:
    if node.modifier is None:
        return inner if node.prettify().startswith(SELECTING) else set()
    named = set(node.modifier.labels)
    found += [f"no label {name} to aggregate by" for name in sorted(named - inner)]
    return named if node.modifier.type == promql.AggModifierType.By else inner - named

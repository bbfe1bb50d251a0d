"""The graph of what was computed from what, and where its trunk runs.

A *branch* is what lies between a place where the signal forks and the sum, concatenation or product where the longer of
two paths joins the shorter one again: the inside of a residual block, the deep part of a U-Net, a squeeze-and-excite
gate. The *trunk* is the rest: what every path crosses.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from justfit.probe._operations import NONLINEARITIES, NORMALISATIONS, SCALINGS, SUMS

STOPS = NORMALISATIONS | NONLINEARITIES
MAX_WALK = (
    4000  # nodes looked at to find where two paths forked; an unrolled recurrent net has longer ones, and no trunk
)


@dataclass(slots=True, eq=False)
class Node:
    """One tensor that was computed.

    Attributes:
        index: Order of execution.
        operation: Name of the function that made it.
        parents: The tensors it was made from.
        call: Number of the weighted call that made it; −1 for others.
        is_statistic: A size by which a hand-written normalisation divides.
        in_branch: See the head of this file.
        children: What was made from it.
    """

    index: int
    operation: str
    parents: tuple[Node, ...] = ()
    call: int = -1
    is_statistic: bool = False
    in_branch: bool = False
    is_sum: bool = False
    children: list[Node] = field(default_factory=list)


def connect(nodes: list[Node]) -> None:
    """Fill in the children, then mark what lies in branches and which nodes are residual sums."""
    for node in nodes:
        for parent in node.parents:
            parent.children.append(node)
    for node in nodes:
        if len(node.parents) >= 2 and (node.operation in SUMS or node.operation in SCALINGS):
            _mark_branch(node)


def branch_ends(nodes: list[Node]) -> set[int]:
    """Find the calls whose weight is the last of a branch: it alone decides how large the branch is."""
    ends = set()
    for node in nodes:
        if node.is_sum and node.operation in SUMS:
            for parent in node.parents:
                if (parent.in_branch or parent.call >= 0) and len(parent.children) == 1:  # a fork has more
                    ends |= {found.call for found in weights_before(parent)}
    return ends


def weights_before(node: Node) -> list[Node]:
    """Find the weighted calls that a node was made from without another weight in between; nearest first."""
    while node.call < 0 and len(node.parents) == 1:
        node = node.parents[0]
    if node.call >= 0 or not node.parents:
        return [node] if node.call >= 0 else []
    found, heap, seen = [], [(-node.index, node)], {node.index}
    while heap:
        _, current = heapq.heappop(heap)
        if current.call >= 0:
            found.append(current)
            continue
        for parent in current.parents:
            if parent.index not in seen:
                seen.add(parent.index)
                heapq.heappush(heap, (-parent.index, parent))
    return found


def readers(node: Node, *, through_sums: bool = False) -> Iterator[Node]:
    """Yield the first nodes behind a node that do more than move or scale it: weights, norms, nonlinearities, sums."""
    stack, seen = list(node.children), {child.index for child in node.children}
    while stack:
        current = stack.pop()
        stops = current.call >= 0 or current.operation in STOPS
        if stops or (current.is_sum and not through_sums):
            yield current
            continue
        for child in current.children:
            if child.index not in seen:
                seen.add(child.index)
                stack.append(child)


def is_normalised(node: Node) -> bool:
    """Tell whether everything that reads the node's scale normalises it first; sums only pass it on."""
    found = [reader for reader in readers(node) if not reader.is_sum]
    return bool(found) and all(reader.operation in NORMALISATIONS for reader in found)


def nonlinearity_behind(node: Node) -> Node | None:
    """Find the nonlinearity that reads a weighted output, through norms and sums; None if a weight comes first."""
    current: list[Node] = [node]
    for _ in range(8):
        found = [reader for start in current for reader in readers(start, through_sums=True)]
        bends = [reader for reader in found if reader.operation in NONLINEARITIES]
        if bends:
            return min(bends, key=lambda bend: bend.index)
        current = [reader for reader in found if reader.operation in NORMALISATIONS]
        if not current:
            return None
    return None


def _mark_branch(join: Node) -> None:
    sides = _walk_back(join)
    if sides is None:
        return
    fork, members = sides
    weights = [sum(node.call >= 0 for node in side) for side in members]
    shorter = weights.index(min(weights))
    longest = max(weights)
    # A short side that holds weights is a projection shortcut, but not where two inputs or a gate come together.
    if longest == weights[shorter] or (weights[shorter] and (not fork.parents or join.operation in SCALINGS)):
        return
    join.is_sum = join.operation in SUMS
    for side, size in zip(members, weights, strict=True):
        if size > weights[shorter]:
            for node in side:
                node.in_branch = True


def _walk_back(join: Node) -> tuple[Node, list[list[Node]]] | None:
    """Walk back from both (or all) sides of a join, newest node first, until they meet.

    Returns:
        The node where they meet and what lies on each side; None if they do not meet within MAX_WALK nodes.
    """
    parents = list(dict.fromkeys(join.parents))
    if len(parents) < 2:
        return None
    everyone = (1 << len(parents)) - 1
    marks: dict[int, int] = {}
    heap: list[tuple[int, Node]] = []
    members: list[list[Node]] = [[] for _ in parents]
    for number, parent in enumerate(parents):
        marks[parent.index] = 1 << number
        heap.append((-parent.index, parent))
    heapq.heapify(heap)
    for _ in range(MAX_WALK):
        if not heap:
            return None
        _, node = heapq.heappop(heap)
        mark = marks[node.index]
        if mark == everyone:
            return node, members
        if mark.bit_count() == 1:
            members[mark.bit_length() - 1].append(node)
        for parent in node.parents:
            if parent.index not in marks:
                heapq.heappush(heap, (-parent.index, parent))
            marks[parent.index] = marks.get(parent.index, 0) | mark
    return None

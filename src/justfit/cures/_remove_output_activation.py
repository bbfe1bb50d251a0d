"""An activation at the network's output that does not belong there, taken out."""

from __future__ import annotations

from typing import Any

from torch import nn

from justfit.cures._activation_sites import Site, find_sites
from justfit.cures._chains import unseen_calls
from justfit.cures._change import Applied, Change, editing
from justfit.cures._code import rewritten, written
from justfit.cures._edits import Replaced
from justfit.probe import unwrap

WHY = {
    "softmax": "Cross entropy takes its own softmax; a second one keeps the loss above a floor.",
    "log_softmax": "Cross entropy takes its own; without it the network gives logits.",
    "sigmoid": "The loss takes its own sigmoid, or a softmax; the network is to give logits.",
    "hardsigmoid": "The loss takes its own sigmoid, or a softmax; the network is to give logits.",
    "relu": "The output cannot be negative, and an output unit that is off gets no gradient.",
    "relu6": "The output cannot leave [0, 6], and passes no gradient there.",
    "tanh": "The output cannot leave (−1, 1), and passes next to no gradient at its ends.",
}
ELSE = "The output cannot leave the range of its activation."


def remove_output_activation_(module: nn.Module, *, inputs: Any = None) -> Applied:
    """Remove the activation at the network's output, in place: an `nn.Identity` takes its place, so names stay.

    Which activation an output needs is up to the loss; `pair_loss` tells. In an `nn.Sequential` the output is the last
    module; of any other network it must be seen in a run, so pass `inputs`. A call such as `F.softmax` in a `forward`
    cannot be removed from outside: it is named with its line in `by_hand`.

    Args:
        module: Changed in place.
        inputs: One batch: a tensor, a tuple of positional inputs, or a dict of keywords.

    Returns:
        What was removed, what must be removed by hand and what was left alone, with `undo()`.

    Raises:
        UnsupportedModuleError: The module cannot be run as it is.

    Example:
        >>> network = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))
        >>> applied = remove_output_activation_(network)
        >>> network[1], applied.changes[0].before
        (Identity(), 'nn.Softmax(dim=1)')

    References:
        Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.2.2.
    """
    bare = unwrap(module)
    changes, by_hand, untouched = [], [], unseen_calls(bare, inputs)
    with editing() as edits:
        for site in find_sites(bare, inputs):
            if site.role is None and site.slot is not None:
                untouched.append(
                    (site.where, site.obstacle or "whether it is the output cannot be seen: pass `inputs=`")
                )
            if site.role != "output":
                continue
            if site.slot is None or site.obstacle:
                by_hand.append(_change(site))
            else:
                changes.append(_change(site))
                identity = nn.Identity().train(site.slot.module.training)
                edits.append(Replaced(site.slot, identity))
    return Applied(changes=tuple(changes), by_hand=tuple(by_hand), untouched=tuple(untouched), _edits=edits)


def _change(site: Site) -> Change:
    if site.slot is None:
        before, code = f"a call of {site.operation}", f"return the values without {site.operation}"
    else:
        before = written(site.slot.module)
        code = rewritten(site.source, type(site.slot.module).__name__, "nn.Identity()", "nn.Identity()")
    return Change(
        kind="output_activation",
        where=site.where,
        source=site.source,
        before=before,
        after="nothing",
        code=code,
        why=WHY.get(site.operation, ELSE),
    )

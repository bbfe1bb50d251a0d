"""The network that one mask of the training leaves (lecture C11)."""

from __future__ import annotations

from justfit.records import Wiring
from justfit.sweep._program import Program

MOST_UNITS = 10  # of a layer
MOST_LAYERS = 5  # hidden ones


def thinned_wiring(program: Program, dropout: float) -> tuple[Wiring, Wiring] | None:
    """Draw the network beside the thinned one that its training has really seen.

    The mask is that of the first example of the first step of the last epoch, on fold 0, with the first seed.

    Args:
        program: A trained sweep.
        dropout: Of the variant whose mask is taken.

    Returns:
        The standard network and the thinned one; None where no hidden unit is ever dropped.
    """
    seed = program.variants[0].seed
    index = next(k for k, v in enumerate(program.variants) if (v.fold, v.seed, v.dropout) == (0, seed, dropout))
    masks = program.masks(index, max(program.epoch - 1, 0))
    if all(mask is None for mask in masks):
        return None
    layout = program.layout
    hidden = [
        [True] * units if mask is None else [bool(kept) for kept in mask[0]]
        for units, mask in zip(layout.hidden, masks, strict=True)
    ]
    names = ("inputs", *(f"hidden {k + 1}" for k in range(min(len(hidden), MOST_LAYERS))), "outputs")
    sizes = (layout.num_features, *layout.hidden[:MOST_LAYERS], layout.num_outputs)
    kept = ([True] * sizes[0], *hidden[:MOST_LAYERS], [True] * sizes[-1])
    notes = _not_drawn(names, sizes, len(hidden))
    left = ", ".join(
        f"{sum(units)} of {len(units)} in {name}"
        for name, units in zip(names, kept, strict=True)
        if name.startswith("hidden")
    )
    return (
        Wiring(
            title="Standard", layers=names, kept=tuple((True,) * min(size, MOST_UNITS) for size in sizes), notes=notes
        ),
        Wiring(
            title="Thinned",
            layers=names,
            kept=tuple(tuple(units[:MOST_UNITS]) for units in kept),
            notes=f"Units that take part: {left}.{notes and ' ' + notes}",
        ),
    )


def _not_drawn(names: tuple[str, ...], sizes: tuple[int, ...], num_hidden: int) -> str:
    left = [f"{size - MOST_UNITS} of {name}" for name, size in zip(names, sizes, strict=True) if size > MOST_UNITS]
    if num_hidden > MOST_LAYERS:
        left.append(f"{num_hidden - MOST_LAYERS} more hidden layers")
    return f"Not drawn: {', '.join(left)}." if left else ""

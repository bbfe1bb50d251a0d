"""Trained networks of a sweep, opened: what a reader sees when moving along λ and dropout."""

from __future__ import annotations

from dataclasses import dataclass

from justfit.errors import ArgumentError

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """A network drawn as units and connections.

    Attributes:
        title: Which network.
        layers: Names of the layers, input first.
        kept: For each layer, which of its drawn units take part.
        notes: Said of units that are not drawn.
    """

    title: str
    layers: tuple[str, ...]
    kept: tuple[tuple[bool, ...], ...]
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The plane of two features, in the units of the table, and some of the examples on it.

    Attributes:
        x_name, y_name: The two features.
        x_low, x_high, y_low, y_high: The corners.
        x, y: The examples.
        target: Class code of each example, or its value in regression.
        classes: Labels in code order; empty for regression.
    """

    x_name: str
    y_name: str
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    x: tuple[float, ...]
    y: tuple[float, ...]
    target: tuple[float, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.x) == len(self.y) == len(self.target):
            raise ArgumentError(
                "`x`, `y` and `target` of a plane must have the same length.",
                found=f"{len(self.x)}, {len(self.y)} and {len(self.target)}",
                way_out="Give one of each per example.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkView:
    """One really trained network (fold 0, first seed) of a cell, at the end of its training.

    Attributes:
        l2: λ of the term λ/(2n)·Σw².
        dropout: Probability of dropping a unit.
        weight_sum_squares: Σw² over all weights, biases not counted.
        weight_counts: Histogram of the weights in bins of equal width from `Explored.weight_low` to `weight_high`; the
            first and the last bin also hold what lies beyond.
        active_fraction: Share of (hidden unit, example) pairs with a non-zero activation, in [0, 1].
        active_by_layer: The same for each hidden layer.
        linearity_r2: R² of the best linear map from inputs to the network's outputs, at most 1.
        surface: At the middles of equal cells of `Explored.plane`, rows from y_low to y_high, each from x_low to
            x_high: the probability of class 1 of two classes, that of the likeliest of more, the prediction in
            regression; empty without a plane.
        likeliest: The likeliest class at the same places where there are more than two; else empty.
    """

    l2: float
    dropout: float
    weight_sum_squares: float
    weight_counts: tuple[int, ...]
    active_fraction: float
    active_by_layer: tuple[float, ...]
    linearity_r2: float
    surface: Rows = ()
    likeliest: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """The networks of a sweep, opened.

    Attributes:
        views: One per cell whose network stayed finite, in the order of l2, then dropout.
        weight_low, weight_high: Ends of the histograms of weights, the same for all views.
        plane: Of two-feature data; None otherwise.
        thinned: The standard network and the same thinned by one mask of the training (lecture C11), for one example of
            one step; empty where no dropout was tried.
        thinned_dropout: Probability that the mask was drawn with; NaN without one.
    """

    views: tuple[NetworkView, ...]
    weight_low: float
    weight_high: float
    plane: Plane | None = None
    thinned: tuple[Wiring, ...] = ()
    thinned_dropout: float = float("nan")

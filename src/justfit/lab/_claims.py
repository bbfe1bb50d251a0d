"""Which experiment shows which claim, in the order of the lecture."""

from __future__ import annotations

from collections.abc import Callable

from justfit.lab._capacity import count_parameters
from justfit.lab._chain import multiply
from justfit.lab._choice import choose_l2
from justfit.lab._decay import decay
from justfit.lab._effect import shrink
from justfit.lab._he import draw_he
from justfit.lab._judge import Found
from justfit.lab._masks import predict_twice, thin
from justfit.lab._memorising import memorise
from justfit.lab._penalty import count_penalty
from justfit.lab._scale import scale
from justfit.lab._signals import travel
from justfit.lab._symmetry import stay_equal
from justfit.lab._thinned import draw_thinned
from justfit.lab._three_networks import compare_three
from justfit.lab._underfitting import underfit
from justfit.lab._workbench import Workbench
from justfit.lab._xavier import draw_xavier

EXPERIMENTS: dict[str, Callable[[Workbench], Found]] = {
    "C1": memorise,
    "C2": underfit,
    "C3": count_parameters,
    "C4": compare_three,
    "C5": count_penalty,
    "C6": decay,
    "C7": shrink,
    "C8": choose_l2,
    "C9": thin,
    "C10": predict_twice,
    "C11": draw_thinned,
    "C12": multiply,
    "C13": travel,
    "C14": stay_equal,
    "C15": scale,
    "C16": draw_xavier,
    "C17": draw_he,
}

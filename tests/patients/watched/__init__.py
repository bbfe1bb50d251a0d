"""Small real trainings with a planted fault, and the same training healthy.

`Recipe` says how one network is trained, `train` trains it, `FAULTS` turn a healthy recipe sick, `HEALTHY` are recipes
of many kinds that nothing is wrong with. What counts is the harm: a fault is one only where the network ends measurably
worse than its healthy twins.
"""

from tests.patients.watched._faults import FAULTS, Fault
from tests.patients.watched._healthy import HEALTHY
from tests.patients.watched._recipes import ARCHITECTURES, HALVES, Recipe, base
from tests.patients.watched._special import SPECIAL
from tests.patients.watched._training import Outcome, train

__all__ = ["ARCHITECTURES", "FAULTS", "HALVES", "HEALTHY", "SPECIAL", "Fault", "Outcome", "Recipe", "base", "train"]

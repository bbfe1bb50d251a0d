"""The lecture, live: its seventeen claims, each an experiment that is run now.

Every experiment calls the product's own functions on real rows (digits, or the user's table), measures, and holds each
number against a range from standard errors, theory or rounding. A wrong factor anywhere in the product turns its claim
red.

>>> from justfit.lab import run_lab
>>> record = run_lab(quick=True, claims=("C10", "C17"))
>>> [(claim.id, claim.mark) for claim in record.claims]
[('C10', 'confirmed'), ('C17', 'confirmed')]
>>> heading = record.claims[1].measurements[0]
>>> heading.low < heading.value < heading.high
True

And to play with: all λ and dropouts of one small network, trained together and opened at any time.

>>> from justfit.lab import Options, Playground, Settings
>>> playground = Playground(Settings(data="moons", noise=0.3, num_train=40, learning_rate=0.03))
>>> playground.advance(50)
>>> free, held = (playground.state(l2=Options().l2.index(l2), dropout=0) for l2 in (0.0, 1.0))
>>> free["verdict"]["state"], free["curves"]["validation"][-1] > held["curves"]["validation"][-1]
('overfitting', True)

The modules inside: `_samples` and `_workbench` hold the data and what was trained on it, `_estimate` means, standard
errors and ranges, `_texts` the lecture's words, `_judge` the mark, `_run` the run; the others are one experiment, or a
few that belong together, each. `_playground` and `_playground_…` are the playground: its options, settings, points,
stack of networks, training, verdict, and what is shown of one of them. `_server` opens it to a browser on this machine;
`_server_guard` is who may enter, `_server_connections` how many, `_server_app` the paths, `_server_runs` and
`_server_claims` what they lead to, `_claims_process` the program behind the button.
"""

from __future__ import annotations

from justfit.lab._playground import Playground
from justfit.lab._playground_options import Options
from justfit.lab._playground_settings import Settings
from justfit.lab._playground_table import PlaygroundTable
from justfit.lab._run import run_lab
from justfit.lab._server import LabServer

__all__ = ["LabServer", "Options", "Playground", "PlaygroundTable", "Settings", "run_lab"]

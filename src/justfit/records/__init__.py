"""Numbers with units, frozen: what the torch side measured and the plain side judges and shows.

A record holds no logic but validation and JSON, and never imports torch, so a saved record can be judged
and rendered again years later on a machine without torch.

>>> from justfit.records import Finding
>>> finding = Finding(
...     code="JF101", name="overfitting", severity="warning", where="network", value=0.31, threshold=0.02,
...     unit="nats", why="the gap is real", when_wrong="validation rows leak", cure="raise l2",
... )
>>> from justfit.records import from_json, to_json
>>> from_json(Finding, to_json(finding)) == finding
True
"""

from __future__ import annotations

from justfit.records._advice import Advice
from justfit.records._change import Change, ChangeKind
from justfit.records._cure import CureCost, CureRecord, CureState, Learned, TriedChange
from justfit.records._fit import DatasetFacts, FitResult, NetworkFacts, TestComparison
from justfit.records._history import Direction, History
from justfit.records._json import from_dict, from_json, to_dict, to_json
from justfit.records._judgement import Judgement
from justfit.records._kinds import from_any_json
from justfit.records._lab import (
    LabClaim,
    LabFigure,
    LabMark,
    LabMeasurement,
    LabPart,
    LabPlot,
    LabRecord,
    LabSeries,
    LabSurface,
)
from justfit.records._module_sweep import CellRecord, CellSetting, ModuleSweepRecord, StopReason
from justfit.records._progress import OnProgress, Progress
from justfit.records._rule_text import RuleText
from justfit.records._shown import Shown
from justfit.records._signal import (
    AttentionSignal,
    Checkup,
    InputSignal,
    LayerSignal,
    LossFault,
    LossFaultKind,
    LossSignal,
    NonFinite,
    SchemeCheckup,
    SchemeComparison,
    SignalEvidence,
    Trainability,
    TrunkKind,
    TrunkPoint,
    Unjudged,
    UnusedParameter,
)
from justfit.records._sweep import Curve, PathPoint, SweepRecord
from justfit.records._verdict import FIT_STATES, Finding, FitState, FitVerdict, Severity
from justfit.records._views import Explored, NetworkView, Plane, Wiring
from justfit.records._watch import (
    Cause,
    FirstFailure,
    FlightFrame,
    LayerTrace,
    LossBins,
    OptimizerTrace,
    OverheadFigures,
    Stage,
    WatchEvidence,
    WatchRecord,
)

__all__ = [
    "FIT_STATES",
    "Advice",
    "AttentionSignal",
    "Cause",
    "CellRecord",
    "CellSetting",
    "Change",
    "ChangeKind",
    "Checkup",
    "CureCost",
    "CureRecord",
    "CureState",
    "Curve",
    "DatasetFacts",
    "Direction",
    "Explored",
    "Finding",
    "FirstFailure",
    "FitResult",
    "FitState",
    "FitVerdict",
    "FlightFrame",
    "History",
    "InputSignal",
    "Judgement",
    "LabClaim",
    "LabFigure",
    "LabMark",
    "LabMeasurement",
    "LabPart",
    "LabPlot",
    "LabRecord",
    "LabSeries",
    "LabSurface",
    "LayerSignal",
    "LayerTrace",
    "Learned",
    "LossBins",
    "LossFault",
    "LossFaultKind",
    "LossSignal",
    "ModuleSweepRecord",
    "NetworkFacts",
    "NetworkView",
    "NonFinite",
    "OnProgress",
    "OptimizerTrace",
    "OverheadFigures",
    "PathPoint",
    "Plane",
    "Progress",
    "RuleText",
    "SchemeCheckup",
    "SchemeComparison",
    "Severity",
    "Shown",
    "SignalEvidence",
    "Stage",
    "StopReason",
    "SweepRecord",
    "TestComparison",
    "Trainability",
    "TriedChange",
    "TrunkKind",
    "TrunkPoint",
    "Unjudged",
    "UnusedParameter",
    "WatchEvidence",
    "WatchRecord",
    "Wiring",
    "from_any_json",
    "from_dict",
    "from_json",
    "to_dict",
    "to_json",
]

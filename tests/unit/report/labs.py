"""Records of the lab that the report is tried on: one as it should be, and one in which every word is hostile."""

from __future__ import annotations

from dataclasses import replace

from justfit.records import (
    LabClaim,
    LabFigure,
    LabMeasurement,
    LabPlot,
    LabRecord,
    LabSeries,
    LabSurface,
    Wiring,
)

NAN = float("nan")
HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202eevil\x00 😀 " + "x" * 10_000

MEASUREMENTS = (
    LabMeasurement(name="gap", value=0.31, standard_error=0.02, unit="nats", low=0.05, source="1.65 errors"),
    LabMeasurement(name="misfit", value=1e-16, low=-1e-13, high=1e-13, source="rounding"),
    LabMeasurement(name="count", value=0.0, low=0.0, high=0.0, source="exact"),
    LabMeasurement(name="rise", value=-1.0, high=0.1, source="no rise"),
    LabMeasurement(
        name="variance", value=0.044, standard_error=0.001, low=0.99, high=1.01, source="printed", part="literal"
    ),
)
PLOT = LabPlot(
    title="Curves",
    x_title="λ",
    y_title="loss (nats)",
    log_x=True,
    log_y=True,
    series=(
        LabSeries(name="training", x=(0.0, 1.0, 10.0), y=(0.1, 0.2, NAN), standard_error=(0.01, 0.01, NAN)),
        LabSeries(name="validation", x=(0.0, 1.0, 10.0), y=(0.4, 0.3, 1e-30)),
        LabSeries(name="spots", x=(1.0, 10.0), y=(0.2, 0.3), standard_error=(0.1, 0.5), points=True),
    ),
    mark_x=1.0,
    mark="chosen",
)
NAMES = LabPlot(
    x_title="activation",
    y_title="E[z²]",
    categories=("ReLU", "tanh"),
    series=(LabSeries(name="", x=(0.0, 1.0), y=(1.01, 0.99), standard_error=(0.02, 0.02), points=True),),
)
SURFACE = LabSurface(
    title="over",
    x_low=-1.0, x_high=1.0, y_low=-1.0, y_high=1.0,
    rows=((0.1, 0.4, 0.9), (0.2, 0.6, 0.9)),
    x=(-0.5, 0.5), y=(0.0, 0.1), label=(0, 1),
)  # fmt: skip
WIRING = Wiring(
    title="Thinned", layers=("inputs", "hidden", "outputs"), kept=((True, True), (True, False, True), (True,))
)
FIGURE = LabFigure(
    title="It turns", caption="How to read it.", plots=(PLOT, NAMES), surfaces=(SURFACE,), wirings=(WIRING,)
)

CLAIM = LabClaim(
    id="C1", topic="Overfitting", title="The gap is 0.31 nats", claim="Many passes.", formula="gap = a − b",
    exact="In eval mode.", measurements=MEASUREMENTS, mark="refined", remark="Not the variance.", figure=FIGURE,
    try_it="justfit fit TABLE", where="300 rows", seconds=1.0,
)  # fmt: skip


def refuted(claim: LabClaim) -> LabClaim:
    """The claim with a number outside its range."""
    wrong = LabMeasurement(name="too large", value=2.0, low=0.0, high=1.0, source="theory")
    return replace(
        claim, id="C2", measurements=(*claim.measurements, wrong), mark="refuted", remark="Outside: too large."
    )


def healthy() -> LabRecord:
    """Two claims, one of them refuted."""
    return LabRecord(
        claims=(CLAIM, refuted(CLAIM)),
        data="600 rows of digits",
        seed=0,
        quick=True,
        versions={"torch": "2"},
        seconds=3.0,
    )


def hostile() -> LabRecord:
    """Every text that a record holds, hostile and 10,000 characters long."""
    bad = HOSTILE
    series = tuple(replace(each, name=bad) for each in PLOT.series)
    plot = replace(PLOT, title=bad, x_title=bad, y_title=bad, series=series, mark=bad)
    names = replace(NAMES, title=bad, x_title=bad, y_title=bad, categories=(bad, bad))
    figure = LabFigure(
        title=bad,
        caption=bad,
        plots=(plot, names),
        surfaces=(replace(SURFACE, title=bad),),
        wirings=(replace(WIRING, title=bad, layers=(bad,) * 3, notes=bad),),
    )
    measurements = tuple(replace(each, name=bad, unit=bad, source=bad) for each in MEASUREMENTS)
    claim = replace(
        CLAIM, topic=bad, title=bad, claim=bad, formula=bad, exact=bad, measurements=measurements, remark=bad,
        figure=figure, try_it=bad, where=bad,
    )  # fmt: skip
    return LabRecord(
        claims=(claim, refuted(claim)), data=bad, data_notes=(bad,) * 50, seed=0, quick=False, interrupted=bad,
        versions={bad: bad}, seconds=1.0,
    )  # fmt: skip


def empty() -> LabRecord:
    """Figures without a finite number."""
    nothing = LabSeries(name="training", x=(0.0, 1.0), y=(NAN, NAN))
    figure = LabFigure(
        title="t", caption="c", plots=(replace(PLOT, series=(nothing,), mark_x=NAN), replace(PLOT, series=()))
    )
    claim = replace(CLAIM, figure=figure, measurements=(replace(MEASUREMENTS[0], value=NAN),), mark="refuted")
    return LabRecord(claims=(claim,), data="d", seed=0, quick=True, seconds=1.0)

"""Pictures for papers: what they draw are the record's numbers, and nothing of the user's breaks them."""

import io
import warnings
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from justfit.errors import ArgumentError, MissingExtraError
from justfit.records import Learned
from tests.unit.records.test_module_sweep import make_record
from tests.unit.report import checkups, judgements, labs, opened, patients
from tests.unit.report.every import ATTACKS, EVERY, ODD, cured, judged_live, watched
from tests.unit.report.watched import record as watch_record
from tests.unit.rules import runs


@pytest.fixture(autouse=True)
def _paper():
    with mpl.rc_context({"backend": "agg", "svg.fonttype": "none"}):
        yield
    plt.close("all")


def panels(record, axes=None):
    return list(np.asarray(record.plot(axes), dtype=object).flat)


def texts_of(axes):
    """All text of the figure."""
    return [text.get_text() for text in axes.figure.findobj(mpl.text.Text)]


def lay_out(axes):
    """Let matplotlib lay the figure out; a glyph that no font has is no fault of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Glyph|Matplotlib currently does not support")
        axes.figure.draw_without_rendering()


@pytest.mark.parametrize("kind", EVERY)
def test_every_record_draws_axes_with_units_and_a_finding(kind):
    settings = dict(mpl.rcParams)
    for axes in panels(EVERY[kind]()):
        assert len(axes.get_title(loc="left")) > 15
        assert axes.get_xlabel()
        assert axes.get_ylabel() or axes.get_yticklabels()
        assert axes.lines or axes.patches or axes.collections
    assert not {"nan", "inf", "-inf"} & set(texts_of(axes))
    assert dict(mpl.rcParams) == settings


@pytest.mark.parametrize("kind", [*ATTACKS, *ODD])
def test_nothing_hostile_or_odd_breaks_a_picture(kind):
    record = (ATTACKS | ODD)[kind]()
    axes = panels(record)[0]
    if kind in ATTACKS or kind == "extreme":
        lay_out(axes)  # where a formula would be read
    texts = texts_of(axes)
    assert any(len(text) > 15 for text in texts)
    assert not any(letter in text for text in texts for letter in "\x1b\x00\u202e")
    assert max(map(len, texts)) < 400


def test_a_dollar_stays_a_dollar():
    axes = judgements.judged(read=judgements.history(epoch_name="$\\frac{$ epoch")).plot()
    assert axes.get_xlabel() == r"\$\frac{\$ epoch"
    file = io.StringIO()
    axes.figure.savefig(file, format="svg")
    assert "$\\frac{$ epoch" in file.getvalue()


def test_a_fit_draws_its_curves_and_its_path():
    result = patients.overfitting()
    curves, path = panels(result)
    record = result.sweep
    without = record.curves[0]
    by_name = {line.get_label(): line for line in curves.lines}
    assert list(by_name["training, without"].get_ydata()) == list(without.train_loss)
    assert list(by_name["validation, without"].get_xdata()) == list(without.epochs)
    assert [name for name in by_name if name.startswith("validation, λ = 3")]
    j = record.chosen[1]
    assert list(path.lines[1].get_ydata()) == [row[j] for row in record.validation_loss]
    assert list(path.lines[1].get_xdata()) == list(record.l2)
    assert path.get_xscale() == "symlog", "0 has its place beside a logarithm"
    assert curves.get_ylabel() == "mean loss (nats)"
    assert curves.get_title(loc="left") == "The network overfits, and regularization helps"


def test_networks_of_two_features_stand_below_as_they_answer():
    result = opened.two_features()
    every = panels(result)
    assert len(every) == 5
    assert [axes.get_subplotspec().rowspan.start for axes in every] == [0, 0, 1, 1, 1]
    chosen = next(view for view in result.sweep.explored.views
                  if (view.l2, view.dropout) == (result.sweep.chosen_l2, result.sweep.chosen_dropout))  # fmt: skip
    assert np.allclose(every[3].images[0].get_array(), chosen.surface)
    assert every[3].get_title(loc="left") == "Chosen, λ = 3, dropout = 0.35: linearity R² 0.82"
    plane = result.sweep.explored.plane
    assert (every[3].get_xlabel(), every[3].get_ylabel()) == (plane.x_name, plane.y_name)
    assert sum(len(line.get_xdata()) for line in every[3].lines) == len(plane.x)


@pytest.mark.parametrize("name", ["many_classes", "plane_of_a_number", "hostile_opened"])
def test_planes_of_every_kind_are_drawn(name):
    every = panels(opened.ALL[name]())
    lay_out(every[0])
    assert all(axes.images or axes.lines for axes in every)


def test_a_band_is_one_standard_error_wide():
    result = patients.overfitting()
    curves, _ = panels(result)
    without = result.sweep.curves[0]
    points = curves.collections[1].get_paths()[0].vertices
    at_last = points[points[:, 0] == without.epochs[-1], 1]
    wanted = [without.validation_loss[-1] + sign * without.validation_loss_se[-1] for sign in (-1, 1)]
    assert (at_last.min(), at_last.max()) == pytest.approx(tuple(wanted))


def test_a_verdict_with_its_history_draws_the_best_epoch():
    verdict = judged_live()
    axes = verdict.plot()
    best = next(line for line in axes.lines if str(line.get_label()).startswith("best epoch"))
    assert best.get_xdata() == [verdict.best_epoch]
    assert best.get_ydata() == [verdict.history.validation_loss[verdict.best_epoch - 1]]
    shade = axes.patches[0].get_bbox()
    assert (shade.x0, shade.x1) == (verdict.overfitting_since, 40)


def test_a_verdict_without_one_draws_its_probabilities():
    axes = patients.overfitting().verdict.plot()
    probabilities = patients.overfitting().verdict.probabilities
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [probabilities[state] for state in ("underfitting", "just_right", "overfitting")]


def test_a_checkup_marks_its_findings():
    checkup = checkups.vanishing()
    signal, gradient = panels(checkup)
    assert list(signal.lines[0].get_ydata()) == pytest.approx([point.rms for point in checkup.evidence.trunk])
    assert signal.get_yscale() == gradient.get_yscale() == "log"
    assert list(gradient.lines[1].get_xdata()) == [4, 5, 6, 8]  # layers 3, 4, 5 and 7; the info is not marked


def test_a_signal_that_is_lost_leaves_the_plot_at_the_bottom():
    signal, _ = panels(checkups.zero())
    line = signal.lines[0].get_ydata()
    assert line[4] == 1.0
    assert 0 < line[5] < signal.get_ylim()[0]


def test_each_scheme_has_a_line_of_its_own_look():
    signal, gradient = panels(checkups.comparison())
    assert [line.get_label() for line in signal.lines] == ["zero", "normal:1.0", "normal:0.01", "xavier", "he", "auto"]
    assert len({line.get_color() for line in signal.lines}) == 6
    assert len({str(line._unscaled_dash_pattern) for line in signal.lines}) == 6, "told apart in black and white too"
    assert len(gradient.get_legend().get_texts()) == 6


def test_the_gains_of_a_repair_stand_in_order():
    axes = cured().plot()
    names = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert names == ["10 times the learning rate", "initialize with scheme auto", "clip the gradient to norm 1"]
    assert "1 more could not be trained" in axes.get_xlabel()
    assert axes.get_xlim()[1] < 2, "a gain beyond all that can be learned does not flatten the others"


def test_before_and_after_of_a_cure_stand_beside_the_gains():
    before = Learned(epochs=(1.0, 2.0, 3.0), share=(0.0, 0.02, 0.03), share_se=(0.01,) * 3)
    after = Learned(epochs=(1.0, 2.0, 3.0), share=(0.4, 0.8, 0.9), share_se=(0.02,) * 3)
    learned, tried = panels(replace(cured(), learned_before=before, learned_after=after))
    assert [list(line.get_ydata()) for line in learned.lines[:2]] == [list(before.share), list(after.share)]
    assert learned.get_title(loc="left").startswith("Your training learns 20.0 % of the")
    assert tried.get_title(loc="left") == "Net is cured; the cause: initialization"


def test_a_sweep_draws_its_cells_along_the_axis_that_varies_most():
    record = make_record()
    _, cells = panels(record)
    drawn = {(x, y) for line in cells.lines for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    finite = {(cell.setting.l2, cell.loss) for cell in record.cells if cell.loss == cell.loss}
    assert finite <= drawn
    assert cells.get_title(loc="left") == "2 of the 5 settings trained cannot be told from the best"


def test_gradients_of_a_run_are_a_map_of_layer_and_step():
    record = watched()
    loss, gradients = panels(record)
    mesh = gradients.collections[0]
    grid = mesh.get_array()
    assert grid.shape == (4, 20)
    assert grid[2, 0] == pytest.approx(0.25 * 0.99)
    assert [label.get_text() for label in gradients.get_yticklabels()] == [f"features.0{k}" for k in range(4)]
    assert list(loss.lines[0].get_ydata()) == list(record.evidence.losses.mean)
    assert "gradient norm" in gradients.figure.axes[-1].get_ylabel()


def test_a_failure_of_a_run_is_marked_at_its_step():
    loss, _ = panels(watched(failed=True))
    assert any(list(line.get_xdata()) == [77, 77] for line in loss.lines)


def test_a_claim_of_the_lab_has_a_panel():
    record = labs.healthy()
    every = panels(record)
    assert len(every) == len(record.claims)
    assert every[0].get_title(loc="left").startswith(f"{record.claims[0].id}, {record.claims[0].mark}: ")


def test_a_lab_without_claims_has_nothing_to_draw():
    with pytest.raises(ArgumentError, match=r"A picture needs something to draw\. Found a record without claims\."):
        replace(labs.healthy(), claims=()).plot()


def test_given_axes_are_drawn_on():
    figure, mine = plt.subplots(2, 1)
    assert checkups.vanishing().plot(mine) is mine
    assert all(axes.lines for axes in mine)
    assert plt.get_fignums() == [figure.number]
    _, one = plt.subplots()
    assert judgements.overfitting().plot(one) is one
    assert judgements.overfitting().plot([one]) == [one]


@pytest.mark.parametrize(
    ("record", "given", "message"),
    [
        (
            checkups.vanishing,
            1,
            r"`axes` must be 2 matplotlib axes\. Found 1 of Axes\. Leave it out, or make them with",
        ),
        (judgements.overfitting, 2, r"`axes` must be one matplotlib axes\. Found 2 of Axes\."),
        (judgements.overfitting, "title", r"`axes` must be one matplotlib axes\. Found 1 of str\."),
        (judgements.overfitting, (), r"`axes` must be one matplotlib axes\. Found none\."),
    ],
)
def test_wrong_axes_are_refused(record, given, message):
    axes = [plt.subplots()[1] for _ in range(given)] if isinstance(given, int) else given
    with pytest.raises(ArgumentError, match=message):
        record().plot(axes)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    message = r"A plot needs the package matplotlib\. .*Install it with `pip install 'justfit\[plot\]'`\."
    with pytest.raises(MissingExtraError, match=message):
        judgements.overfitting().plot()


def test_a_long_series_is_thinned():
    axes = judgements.long().plot()
    assert len(axes.lines[0].get_xdata()) == 1_000


def test_gradients_end_where_the_last_was_measured():
    """Samples of the start are not drawn out to the end of the run."""
    optimizer = runs.optimizer(steps=(1, 2), learning_rate=(0.1, 0.1))
    evidence = runs.run(each=lambda _: {"gradient_norm": (0.1, 0.2)}, optimizers=(optimizer,))
    _, gradients = watch_record(evidence).plot()
    assert gradients.get_xlim() == (1.0, 3.0)

"""A fitted estimator shows its sweep; without a fit, or with nothing to sweep, it stays scikit-learn's diagram."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import sklearn
from IPython.core.formatters import DisplayFormatter
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from justfit import JustFitClassifier
from justfit.errors import ArgumentError
from justfit.report import load_records, render_page


def shown(thing):
    """What IPython sends to a notebook."""
    data, _ = DisplayFormatter().format(thing)
    return data


def test_a_fitted_estimator_shows_its_sweep(swept_classifier):
    data = shown(swept_classifier)
    assert data["text/plain"].startswith("JustFitClassifier(")
    assert data["text/html"].startswith('<div class="justfit piece">')
    assert "sk-estimator" not in data["text/html"]
    assert swept_classifier._repr_html_() == data["text/html"]
    assert "the training data" in data["text/html"]


def test_what_is_not_fitted_stays_a_diagram(fixed_classifier):
    for estimator in (JustFitClassifier(), fixed_classifier):
        assert "sk-estimator" in shown(estimator)["text/html"]
        assert "justfit piece" not in estimator._repr_html_()


def test_a_pipeline_around_it_stays_a_diagram(swept_classifier):
    data = shown(make_pipeline(StandardScaler(), swept_classifier))
    assert "sk-estimator" in data["text/html"]
    assert "justfit piece" not in data["text/html"]


def test_the_setting_for_text_is_obeyed(swept_classifier):
    with sklearn.config_context(display="text"):
        assert "text/html" not in shown(swept_classifier)
        assert not hasattr(swept_classifier, "_repr_html_")


def test_plot_and_widget_are_those_of_the_record(swept_classifier):
    with mpl.rc_context({"backend": "agg"}):
        curves, path, *planes = swept_classifier.plot()
        assert planes, "of two features, what the networks answer"
        assert list(path.lines[1].get_xdata()) == list(swept_classifier.sweep_.l2)
        assert curves.get_xlabel() == "epoch"
        plt.close("all")
    assert swept_classifier.widget().html == swept_classifier._repr_html_()


@pytest.mark.parametrize("method", ["plot", "widget"])
def test_without_a_sweep_there_is_nothing_to_show(fixed_classifier, method):
    with pytest.raises(ArgumentError, match=r"A report shows a sweep\. Found `l2` and `dropout` both fixed"):
        getattr(fixed_classifier, method)()
    with pytest.raises(NotFittedError):
        getattr(JustFitClassifier(), method)()


def test_a_stored_fit_is_shown_as_it_was(folder_of):
    stored = load_records(folder_of)
    assert render_page(stored.records[0]) == stored.page.read_text("utf-8")

"""scikit-learn's own checks of everything that an estimator must keep to."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from justfit import JustFitClassifier, JustFitRegressor

# 8 units and 20 epochs at a large learning rate: the checks ask for 83 % accuracy on blobs, not for a good network.
CHEAP = {"hidden_layer_sizes": (8,), "max_iter": 20, "learning_rate_init": 0.03, "n_jobs": 1}
SWEPT = {**CHEAP, "cv": 2, "num_seeds": 1}
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 2 is drawn into one batch, a row given twice into two: training by batches is equivalent "
        "only in expectation, as with MLPClassifier; and the check sets `cv` to index pairs, here it is a number"
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        JustFitClassifier(**SWEPT, dropout=0.0),
        JustFitRegressor(**SWEPT, alpha=1e-3),
        JustFitClassifier(**CHEAP, l2=0.1, dropout=0.1),
        JustFitRegressor(**CHEAP, alpha=1e-3, dropout=0.0),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_keeps_to_scikit_learn(estimator, check):
    check(estimator)

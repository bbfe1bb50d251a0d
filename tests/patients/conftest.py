"""Real small trainings: one plan of 12 settings for all patients, so that only what is planted differs."""

import pytest

from justfit.sweep import _plan


@pytest.fixture(scope="module", autouse=True)
def _one_plan():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_plan, "LADDER", (_plan.Effort(3, 1, 6, 2, 800),))
        yield

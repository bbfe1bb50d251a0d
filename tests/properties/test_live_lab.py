"""Whatever JSON arrives at the live lab, it answers in words or does what was asked; it is never at fault."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from justfit.lab import LabServer, Settings
from tests.unit.lab.asking import ask, ask_inside

ODD = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.lists(st.integers(-2, 200), max_size=5) | st.just({})
)  # fmt: skip
# Small where it is right, so that what is accepted does not take long.
SMALL = {"depth": st.integers(-1, 4), "width": st.integers(-1, 4), "num_train": st.integers(18, 40)}
SETTINGS = st.fixed_dictionaries({}, optional={name: SMALL.get(name, ODD) for name in Settings().plain()})
SOME = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def lab():
    with LabServer() as lab:
        yield lab


@SOME
@given(asked=SETTINGS | ODD | st.dictionaries(st.text(max_size=8), ODD, max_size=3))
def test_any_settings_are_taken_or_refused_in_words(lab, asked):
    reply = ask_inside(lab, "POST", "/api/runs", asked)
    assert reply.status in (200, 400)
    if reply.status == 400:
        assert set(reply.json) == {"error", "found", "way_out"}
        assert all(isinstance(part, str) and len(part) < 600 for part in reply.json.values())
    else:
        assert Settings.read(reply.json["settings"]).plain() == reply.json["settings"]


@SOME
@given(asked=st.fixed_dictionaries({}, optional={"epochs": ODD, "l2": ODD, "dropout": ODD}))
def test_any_step_is_done_or_refused_in_words(lab, asked):
    id_ = ask_inside(lab, "POST", "/api/runs", {"depth": 1, "width": 1, "num_train": 20}).json["id"]
    reply = ask_inside(lab, "POST", f"/api/runs/{id_}/advance", asked)
    assert reply.status in (200, 400)


@SOME
@given(body=st.binary(max_size=300), method=st.sampled_from(["GET", "POST", "PUT"]), path=st.text(max_size=20))
def test_any_bytes_to_any_path_are_refused(lab, body, method, path):
    place = "/" + quote(path, safe="/%?&=" if "%" not in path else "/")
    assert ask(lab, method, place, body).status == 403
    assert ask_inside(lab, method, f"/api/{quote(path, safe='')}", body).status in (200, 400, 404, 405)
    assert ask_inside(lab, "POST", "/api/runs", b"\xff" + body).status == 400

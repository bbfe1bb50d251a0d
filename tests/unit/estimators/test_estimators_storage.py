"""Saved estimators come back bit for bit; files that were not written here are refused by name."""

import json
import pickletools
import resource

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from justfit import JustFitClassifier, JustFitRegressor
from justfit.errors import ArgumentError, OutputError, StoredModelError
from justfit.estimators import _storage
from tests.unit.estimators.conftest import SMALL

FIXED = {**SMALL, "l2": 0.3, "dropout": 0.2, "random_state": 0}
MODEL, WEIGHTS = "model.json", "model.safetensors"


@pytest.fixture
def stored(swept_classifier, tmp_path):
    return swept_classifier.save(tmp_path / "model")


def change(directory, **entries):
    """Put other entries into model.json; a dotted name reaches into a part."""
    description = json.loads((directory / MODEL).read_text("utf-8"))
    for name, value in entries.items():
        *parts, last = name.split("__")
        place = description
        for part in parts:
            place = place[part]
        place[last] = value
    (directory / MODEL).write_text(json.dumps(description), "utf-8")


def refused(directory, message, kind=JustFitClassifier):
    with pytest.raises(StoredModelError, match=message):
        kind.load(directory)


# --- there and back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [["low", "mid", "high"], [-5, 0, 10], [0.0, 1.0, 2.0], [False, True, True], ["é", "λ\n", '"']],
    ids=["text", "int", "float", "bool", "odd text"],
)
def test_classifier_comes_back_bit_for_bit(labels, blobs, tmp_path):
    X, y = blobs
    model = JustFitClassifier(**FIXED).fit(X, np.array(labels)[y])
    back = JustFitClassifier.load(model.save(tmp_path / "deep" / "model"))
    assert back.classes_.dtype == model.classes_.dtype
    assert np.array_equal(back.predict(X), model.predict(X))
    assert np.array_equal(back.predict_proba(X), model.predict_proba(X))
    assert back.get_params() == model.get_params()
    assert (back.l2_, back.dropout_, back.n_iter_, back.network_) == (0.3, 0.2, 12, model.network_)
    assert back.sweep_ is None


def test_swept_classifier_brings_its_evidence_back(swept_classifier, stored, blobs):
    back = JustFitClassifier.load(stored)
    assert back.sweep_ == swept_classifier.sweep_
    assert back.verdict_ == swept_classifier.verdict_
    assert back.to_html() == swept_classifier.to_html()
    assert np.array_equal(back.predict_proba(blobs[0]), swept_classifier.predict_proba(blobs[0]))


def test_object_labels_and_feature_names_come_back(blobs, tmp_path):
    X, y = blobs
    table = pd.DataFrame({"age": X[:, 0], "größe": X[:, 1]})
    labels = pd.Series(np.array(["a", "b", "c"], dtype=object)[y])
    model = JustFitClassifier(**FIXED).fit(table, labels)
    back = JustFitClassifier.load(model.save(tmp_path))
    assert back.feature_names_in_.tolist() == ["age", "größe"]
    assert back.predict(table).tolist() == model.predict(table).tolist()


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("sizes", [(), (4, 3)])
def test_regressor_comes_back_bit_for_bit(standardize, sizes, slope, tmp_path):
    X, y = slope
    X = X if standardize else (X - X.mean(0)) / X.std(0)
    settings = {**FIXED, "hidden_layer_sizes": sizes, "standardize": standardize}
    model = JustFitRegressor(**settings).fit(X, y)
    back = JustFitRegressor.load(model.save(tmp_path))
    assert np.array_equal(back.predict(X), model.predict(X))
    assert back.get_params() == model.get_params()
    assert back.score(X, y) == model.score(X, y)


@pytest.mark.parametrize("sizes", [[8], (8,), 8, np.array([8])], ids=["list", "tuple", "number", "array"])
def test_all_ways_to_say_sizes_are_kept(sizes, blobs, tmp_path):
    model = JustFitClassifier(**{**FIXED, "hidden_layer_sizes": sizes}).fit(*blobs)
    back = JustFitClassifier.load(model.save(tmp_path)).fit(*blobs)
    assert np.array_equal(back.predict_proba(blobs[0]), model.predict_proba(blobs[0]))


def test_a_generator_is_not_kept(blobs, tmp_path):
    model = JustFitClassifier(**{**FIXED, "random_state": np.random.RandomState(0)}).fit(*blobs)
    assert JustFitClassifier.load(model.save(tmp_path)).random_state is None


def test_saving_again_replaces(swept_classifier, fixed_classifier, blobs, tmp_path):
    swept_classifier.save(tmp_path)
    fixed_classifier.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [MODEL, WEIGHTS]
    back = JustFitClassifier.load(tmp_path)
    assert np.array_equal(back.predict_proba(blobs[0]), fixed_classifier.predict_proba(blobs[0]))


def test_nothing_in_the_files_can_run(stored):
    json.loads((stored / MODEL).read_text("utf-8"))
    header = (stored / WEIGHTS).read_bytes()
    length = int.from_bytes(header[:8], "little")
    assert set(json.loads(header[8 : 8 + length])) >= {"0.shift", "0.scale", "1.weight", "1.bias"}
    for path in stored.iterdir():
        data = path.read_bytes()
        assert b"\x80\x04\x95" not in data  # the first bytes of a pickle of protocol 4
        assert not data.startswith(b"PK")  # nor of torch's zip of pickles
        with pytest.raises(Exception, match=r"opcode|pickle|not enough|expected|no newline"):
            list(pickletools.genops(data))


# --- refusals ------------------------------------------------------------------------------------------------------


def test_refuses_nothing(tmp_path):
    refused(tmp_path / "none", r"A stored model is a directory with model.json and model.safetensors.*without `model.j")


@pytest.mark.parametrize("name", [MODEL, WEIGHTS])
def test_refuses_a_missing_file(name, stored):
    (stored / name).unlink()
    refused(stored, f"`{stored}` without `{name}`")


def test_refuses_a_file_in_place_of_a_directory(tmp_path):
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", r"must be undamaged. Found NotADirectoryError")


def test_refuses_another_kind(stored):
    refused(stored, r"must hold a JustFitRegressor. Found 'JustFitClassifier'", kind=JustFitRegressor)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "JSONDecodeError"),
        ("{", "JSONDecodeError"),
        ("[]", "must be of format justfit.model/1. Found 'list'"),
        ("{}", "must be of format justfit.model/1. Found None"),
        ('{"format": "justfit.model/9"}', "must be of format justfit.model/1. Found 'justfit.model/9'"),
        ("[" * 100_000, "RecursionError"),
        ('{"format": ' + "9" * 5000 + "}", "ValueError"),
    ],
)
def test_refuses_foreign_descriptions(text, message, stored):
    (stored / MODEL).write_text(text)
    refused(stored, message)


def test_refuses_a_description_that_is_not_text(stored):
    (stored / MODEL).write_bytes(b"\xff\xfe\x00")
    refused(stored, "must be undamaged. Found UnicodeDecodeError")


@pytest.mark.parametrize("position", [0, 100, -1])
def test_refuses_changed_weights(position, stored):
    data = bytearray((stored / WEIGHTS).read_bytes())
    data[position] ^= 1
    (stored / WEIGHTS).write_bytes(data)
    refused(stored, r"must be undamaged. Found ValueError: another model.safetensors than model.json describes")


def test_refuses_cut_weights(stored):
    (stored / WEIGHTS).write_bytes((stored / WEIGHTS).read_bytes()[:200])
    refused(stored, "another model.safetensors than model.json describes")


def test_refuses_weights_of_another_fit(stored, blobs, tmp_path):
    other = JustFitClassifier(**{**FIXED, "random_state": 1}).fit(*blobs).save(tmp_path / "other")
    (stored / WEIGHTS).write_bytes((other / WEIGHTS).read_bytes())
    refused(stored, "another model.safetensors than model.json describes")


def forge(directory, tensors):
    """Write other weights and make model.json vouch for them, as someone with bad intentions would."""
    save_file(tensors, directory / WEIGHTS)
    digest = _storage.hashlib.sha256((directory / WEIGHTS).read_bytes()).hexdigest()
    change(directory, weights_sha256=digest)


def test_refuses_garbage_with_the_right_digest(stored):
    (stored / WEIGHTS).write_bytes(b"\x80\x04\x95 garbage")
    digest = _storage.hashlib.sha256(b"\x80\x04\x95 garbage").hexdigest()
    change(stored, weights_sha256=digest)
    refused(stored, "must be undamaged. Found SafetensorError")


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        (lambda tensors: {**tensors, "1.weight": torch.zeros(8, 5)}, "where the weights have shapes"),
        (lambda tensors: {**tensors, "1.bias": torch.zeros(9)}, "size mismatch for 1.bias"),
        (lambda tensors: {**tensors, "0.shift": torch.zeros(9)}, "size mismatch for 0.shift"),
        (lambda tensors: {name: t for name, t in tensors.items() if name != "1.bias"}, "Missing key"),
        (lambda tensors: {**tensors, "9.weight": torch.zeros(3, 8)}, "where the weights have shapes"),
        (lambda tensors: {**tensors, "extra": torch.zeros(3)}, "Unexpected key"),
        (lambda tensors: {**tensors, "x.weight": torch.zeros(3)}, "invalid literal for int"),
        (lambda tensors: {name: t.double() for name, t in tensors.items()}, "weights of type torch.float64"),
        (lambda tensors: {name: t.to(torch.uint8) for name, t in tensors.items()}, "weights of type torch.uint8"),
        (lambda tensors: {}, "where the weights have shapes"),
    ],
)
def test_refuses_weights_that_do_not_fit(forged, message, stored):
    forge(stored, forged(load_file(stored / WEIGHTS)))
    refused(stored, message)


@pytest.mark.parametrize(
    "entries",
    [
        {"network__hidden_layer_sizes": [10**9]},
        {"network__hidden_layer_sizes": [10**6, 10**6]},
        {"network__hidden_layer_sizes": [8] * 10_000},
        {"network__hidden_layer_sizes": [-8]},
        {"network__hidden_layer_sizes": []},
        {"num_features": 10**12},
        {"num_features": 0},
        {"num_features": -1},
        {"classes__values": list(range(100_000))},
        {"classes": None},
    ],
    ids=lambda entries: f"{next(iter(entries))} {str(next(iter(entries.values())))[:20]}",
)
def test_refuses_absurd_sizes_before_making_them(entries, stored, monkeypatch):
    """No tensor may be made from sizes that the weights do not bear out."""
    monkeypatch.setattr(_storage, "build_module", lambda *_: pytest.fail("a network was built"))
    change(stored, **entries)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(stored, "must be undamaged. Found ValueError: layers of")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_refuses_a_layer_of_no_units_and_endless_inputs(stored):
    """An empty tensor has any width for nothing: shapes alone do not bear a size out."""
    tensors = load_file(stored / WEIGHTS)
    forge(stored, {**tensors, "1.weight": torch.zeros(0, 10**12), "3.weight": torch.zeros(3, 0)})
    change(stored, num_features=10**12, network__hidden_layer_sizes=[0])
    refused(stored, "layers of")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"num_features": "many"}, "invalid literal for int"),
        ({"network__hidden_layer_sizes": "8"}, "NetworkFacts.hidden_layer_sizes"),
        ({"network__activation": "exec"}, "KeyError"),
        ({"dropout": 1.5}, "dropout probability"),
        ({"dropout": 0.2}, "Unexpected key|Missing key"),
        ({"feature_names": ["a", "b", "c"]}, "3 feature names for 2 features"),
        ({"classes__dtype": "V8"}, "class labels of type"),
        ({"classes__dtype": "<U400000000"}, "class labels of type"),
        ({"classes__dtype": "datetime64[ns]"}, "class labels of type"),
        ({"classes__values": ["a", "b", "c"]}, "invalid literal"),
        ({"parameters__surprise": 1}, "unexpected keyword argument 'surprise'"),
        ({"sweep__l2": "x"}, "SweepRecord.l2"),
        ({"verdict": {}}, "FitVerdict"),
        ({"estimator": "os.system"}, "Found 'os.system'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refuses_entries_that_make_no_sense(entries, message, stored):
    change(stored, **entries)
    refused(stored, message)


def test_refuses_a_missing_entry(stored):
    description = json.loads((stored / MODEL).read_text("utf-8"))
    del description["l2"]
    (stored / MODEL).write_text(json.dumps(description), "utf-8")
    refused(stored, "must be undamaged. Found KeyError: 'l2'")


def test_refuses_labels_that_json_cannot_hold(blobs, tmp_path):
    X, y = blobs
    model = JustFitClassifier(**FIXED).fit(X, np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[D]")[y])
    with pytest.raises(ArgumentError, match=r"labels must be text, numbers or booleans to be stored. Found labels of"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_says_where_it_cannot_write(fixed_classifier, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"The directory `.*file/model` must be writable. Found Not a directory"):
        fixed_classifier.save(tmp_path / "file" / "model")

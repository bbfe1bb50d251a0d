"""A stored encoder: the same features after loading, and nothing foreign is loaded."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from justfit.errors import OutputError, StoredModelError
from justfit.tables import Encoder

FRAME = pl.DataFrame(
    {
        "x": [1.5, None, 3.0, 4.0] * 10,
        "when": pl.Series(["2024-01-01", "2024-02-01"] * 20).str.to_date(),
        "c": ["ä", "b", None, "ä"] * 10,
        "b": [True, False] * 20,
        "t": [f"{i}.5" for i in range(39)] + ["n.a."],
        "dull": [1] * 40,
    }
)


@pytest.fixture
def folder(tmp_path):
    Encoder().fit(FRAME).save(tmp_path)
    return tmp_path


def redescribe(folder, data):
    """Replace the stored transformer and make its digest right again, as a forger would."""
    (folder / "preprocessing.skops").write_bytes(data)
    path = folder / "preprocessing.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**fields, "skops_sha256": hashlib.sha256(data).hexdigest()}))


def test_a_loaded_encoder_is_the_same(folder):
    first, loaded = Encoder().fit(FRAME), Encoder.load(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["preprocessing.json", "preprocessing.skops"]
    for name in ("columns", "dropped", "notes", "feature_names"):
        assert getattr(loaded, name) == getattr(first, name)
    assert loaded.dropped == (("dull", "it is constant"),)
    np.testing.assert_array_equal(loaded.transform(FRAME), first.transform(FRAME))
    new = FRAME[:2].with_columns(pl.lit("new").alias("c"))
    np.testing.assert_array_equal(loaded.transform(new), first.transform(new))
    assert loaded.check(new) == first.check(new) != ()


@pytest.mark.parametrize("columns", [["x"], ["c"], ["x", "when"], ["b", "c"]])
def test_any_mix_of_columns_is_stored(tmp_path, columns):
    frame = FRAME.select(columns)
    Encoder().fit(frame).save(tmp_path)
    np.testing.assert_array_equal(Encoder.load(tmp_path).transform(frame), Encoder().fit(frame).transform(frame))


def test_a_fresh_process_gives_the_same_features(folder):
    FRAME.write_parquet(folder / "rows.parquet")
    script = (
        "from pathlib import Path; from justfit.tables import Encoder, read_table\n"
        f"folder = Path({str(folder)!r})\n"
        "print(Encoder.load(folder).transform(read_table(folder / 'rows.parquet').frame).tobytes().hex())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Encoder().fit(FRAME).transform(FRAME).tobytes().hex()


@pytest.mark.parametrize("name", ["preprocessing.json", "preprocessing.skops"])
def test_missing_and_damaged_files(folder, name):
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoredModelError, match=r"must be JSON|unchanged\. Found another preprocessing\.skops than"):
        Encoder.load(folder)
    path.unlink()
    with pytest.raises(
        StoredModelError, match=r"that `justfit fit` wrote, unchanged\. Found .*No such file.*Fit again"
    ):
        Encoder.load(folder)


class Evil:
    """What a pickle would run on loading."""

    def __reduce__(self):
        return (print, ("run",))


def test_types_that_are_not_trusted_are_never_built(folder, capsys):
    redescribe(folder, skops.io.dumps(Evil()))
    with pytest.raises(
        StoredModelError, match=r"Found preprocessing\.skops that cannot be read: Untrusted types found"
    ):
        Encoder.load(folder)
    assert capsys.readouterr().out == ""


def test_other_things_are_no_encoder(folder):
    redescribe(folder, b"not a zip file")
    with pytest.raises(StoredModelError, match=r"Found preprocessing\.skops that cannot be read"):
        Encoder.load(folder)
    redescribe(folder, skops.io.dumps(LogisticRegression()))
    with pytest.raises(StoredModelError, match=r"Found a LogisticRegression in preprocessing\.skops"):
        Encoder.load(folder)


def test_encoders_of_other_columns(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    Encoder().fit(FRAME.select("x")).save(other)
    redescribe(folder, (other / "preprocessing.skops").read_bytes())
    with pytest.raises(StoredModelError, match=r"Found 2 features, where \d+ are named|does not run"):
        Encoder.load(folder)
    Encoder().fit(pl.DataFrame({"else": [1, 2] * 9})).save(other)
    redescribe(folder, (other / "preprocessing.skops").read_bytes())
    with pytest.raises(StoredModelError, match=r"does not run \(scikit-learn .* wrote it, this is"):
        Encoder.load(folder)


@pytest.mark.parametrize(
    "change", [{"columns": [{"name": "x", "kind": "spell"}]}, {"dropped": [["a"]]}, {"feature_names": 3}, {"more": 1}]
)
def test_changed_descriptions(folder, change):
    path = folder / "preprocessing.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}))
    with pytest.raises(StoredModelError, match=r"must have the form this version of justfit writes"):
        Encoder.load(folder)


def test_directories_that_do_not_exist(tmp_path):
    with pytest.raises(
        OutputError, match=r"to an existing directory\. Found `.*nowhere`: No such file.*Create the dir"
    ):
        Encoder().fit(FRAME).save(tmp_path / "nowhere")

"""A fitted encoder on disk: two files, no pickle, and nothing in them is run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from justfit.errors import OutputError, StoredModelError
from justfit.records import from_json, to_json
from justfit.tables._columns import Column, prepare

JSON_NAME = "preprocessing.json"
SKOPS_NAME = "preprocessing.skops"
TRUSTED_TYPES = ["numpy.dtype"]
"""What a stored encoder holds beside scikit-learn's and numpy's default types; a type, not code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEncoder:
    """What preprocessing.json holds.

    Attributes:
        columns: How each column becomes features.
        dropped: (column, reason) of the others.
        notes: What was noticed while fitting.
        feature_names: Names of the features, in order.
        skops_sha256: Digest of preprocessing.skops, so that the two files belong together.
        sklearn_version: The version that wrote it.
    """

    columns: tuple[Column, ...]
    dropped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    feature_names: tuple[str, ...]
    skops_sha256: str = ""
    sklearn_version: str = ""


def write_encoder(directory: Path, stored: StoredEncoder, transformer: Any) -> None:
    """Write the two files of an encoder.

    Raises:
        OutputError: The directory does not exist or cannot be written to.
    """
    import sklearn
    import skops.io

    data = skops.io.dumps(transformer)
    stored = replace(stored, skops_sha256=hashlib.sha256(data).hexdigest(), sklearn_version=sklearn.__version__)
    try:
        (directory / SKOPS_NAME).write_bytes(data)
        (directory / JSON_NAME).write_text(to_json(stored), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            "An encoder is written to an existing directory.",
            found=f"`{directory}`: {error.strerror}",
            way_out="Create the directory, or name another one.",
        ) from error


def read_encoder(directory: Path) -> tuple[StoredEncoder, Any]:
    """Read the two files of an encoder and try them on one row.

    The digest shows damage and mix-ups, not malice: whoever can change one file can change both. Against malice
    stands skops, which reads the names of all types before it builds any, and refuses those that are not trusted.

    Raises:
        StoredModelError: A file is missing, damaged, changed, or not from here.
    """
    import sklearn

    try:
        text = (directory / JSON_NAME).read_text(encoding="utf-8")
        data = (directory / SKOPS_NAME).read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise _foreign(f"`{directory}`: {getattr(error, 'strerror', None) or error}") from error
    stored = from_json(StoredEncoder, text)
    if hashlib.sha256(data).hexdigest() != stored.skops_sha256:
        raise _foreign(f"another {SKOPS_NAME} than {JSON_NAME} describes")
    transformer = _load(data)
    try:
        empty = pl.DataFrame({c.name: [None] for c in stored.columns})
        width = transformer.transform(prepare(empty, stored.columns)).shape[1]
    except Exception as error:  # another version's attributes, another table's columns: all the same to the user
        versions = f"scikit-learn {stored.sklearn_version} wrote it, this is {sklearn.__version__}"
        raise _foreign(f"an encoder that does not run ({versions}): {error}") from error
    if width != len(stored.feature_names):
        raise _foreign(f"{width} features, where {len(stored.feature_names)} are named")
    return stored, transformer


def _load(data: bytes) -> Any:
    import skops.io
    from sklearn.compose import ColumnTransformer

    try:
        transformer = skops.io.loads(data, trusted=TRUSTED_TYPES)
    except Exception as error:  # skops raises whatever the damaged bytes lead it to
        raise _foreign(f"{SKOPS_NAME} that cannot be read: {str(error).partition(chr(10))[0]}") from error
    if type(transformer) is not ColumnTransformer:
        raise _foreign(f"a {type(transformer).__name__} in {SKOPS_NAME}")
    return transformer


def _foreign(found: str) -> StoredModelError:
    return StoredModelError(
        f"A stored encoder must be the {JSON_NAME} and {SKOPS_NAME} that `justfit fit` wrote, unchanged.",
        found=found.rstrip("."),
        way_out="Fit again, and copy the whole directory.",
    )

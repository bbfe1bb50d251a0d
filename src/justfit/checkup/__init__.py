"""A network before training: loaded, measured, judged, compared.

>>> from justfit.checkup import load_subject
>>> subject = load_subject("torch.nn:Identity", inputs=["64,3"])
>>> subject.inputs.words
'float32 of shape (64, 3)'
"""

from __future__ import annotations

from justfit.checkup._check import AS_BUILT, DEFAULT_SCHEMES, check, compare
from justfit.checkup._load import load_subject
from justfit.checkup._load_name import describe_call, find_object
from justfit.checkup._load_subject import Subject
from justfit.checkup._load_trouble import users_trouble

__all__ = [
    "AS_BUILT",
    "DEFAULT_SCHEMES",
    "Subject",
    "check",
    "compare",
    "describe_call",
    "find_object",
    "load_subject",
    "users_trouble",
]

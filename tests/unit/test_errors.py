import inspect
import re

import pytest

from justfit import errors

BUILTINS = {
    "ArgumentError": ValueError,
    "DataError": ValueError,
    "TableNotFoundError": FileNotFoundError,
    "TableFormatError": ValueError,
    "ColumnError": LookupError,
    "TargetError": ValueError,
    "LogError": ValueError,
    "LogNotFoundError": FileNotFoundError,
    "LogFormatError": ValueError,
    "LogColumnError": LookupError,
    "OutputError": OSError,
    "StoredModelError": ValueError,
    "UnsupportedModuleError": TypeError,
    "DivergedError": ArithmeticError,
    "VariantError": RuntimeError,
    "WorkerError": RuntimeError,
    "MissingExtraError": ImportError,
}


@pytest.mark.parametrize(("name", "builtin"), BUILTINS.items())
def test_every_error_says_contract_found_and_way_out(name, builtin):
    kind = getattr(errors, name)
    error = kind("`p` must be small.", found="`p=2`", way_out="Make it smaller.")
    assert isinstance(error, errors.JustFitError)
    assert isinstance(error, builtin)
    assert str(error) == "`p` must be small. Found `p=2`. Make it smaller."
    assert (error.contract, error.found, error.way_out) == ("`p` must be small.", "`p=2`", "Make it smaller.")


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = set(re.findall(r"[├└]── (\w+)", inspect.getdoc(errors)))
    assert drawn == set(BUILTINS) == set(errors.__all__) - {"JustFitError"}


@pytest.mark.parametrize("name", ["TableNotFoundError", "TableFormatError", "ColumnError", "TargetError"])
def test_one_name_catches_every_unusable_table(name):
    assert issubclass(getattr(errors, name), errors.DataError)


def test_an_error_needs_all_three_parts():
    with pytest.raises(TypeError, match="way_out"):
        errors.ArgumentError("`p` must be small.", found="`p=2`")
    with pytest.raises(TypeError, match="positional"):
        errors.ArgumentError("`p` must be small.", "`p=2`", "Make it smaller.")

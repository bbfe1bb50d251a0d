"""A host is imported when it is asked for, and its absence is named with the extra that brings it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from justfit.errors import MissingExtraError


def import_host(module: str, *, extra: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: Its full name, such as `lightning.pytorch`.
        extra: The extra of justfit that brings the package.

    Returns:
        The module, untyped.

    Raises:
        MissingExtraError: The package is not installed.

    >>> import_host("json.decoder", extra="none").JSONDecoder().decode("[1]")
    [1]
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there, and something that it needs is not
        raise MissingExtraError(
            f"The package `{package}` must be installed.",
            found=f"no module `{error.name}`",
            way_out=f"Install it with `pip install 'justfit[{extra}]'`.",
        ) from error


def derive(hooks: type, *, name: str, base: str, extra: str) -> type:
    """Make the callback of a host: our hooks, and the class that the host wants its callbacks to be of.

    Args:
        hooks: Our class.
        name: Of the callback in `justfit.integrations`, where it can be imported (and unpickled) from.
        base: Module and name of the host's class, such as `keras.callbacks:Callback`.
        extra: The extra of justfit that brings the host.

    Returns:
        The class.

    Raises:
        MissingExtraError: The host is not installed.
    """
    module, _, attribute = base.partition(":")
    parent = getattr(import_host(module, extra=extra), attribute)
    return type(name, (hooks, parent), {"__doc__": hooks.__doc__, "__module__": "justfit.integrations"})

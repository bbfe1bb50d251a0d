"""Lightning, imported as `pytorch_lightning`."""

from __future__ import annotations

from typing import Any, final

from justfit.integrations._host import import_host
from justfit.integrations._lightning_hooks import LightningHooks

_Callback: Any = import_host("pytorch_lightning.callbacks", extra="pytorch-lightning").Callback


@final
class PytorchLightningCallback(LightningHooks, _Callback):  # type: ignore[misc]  # an untyped host
    """Watch a training of `pytorch_lightning.Trainer`; arguments and all else as at `LightningCallback`.

    The two names are two packages, and each wants callbacks of its own.

    Raises:
        MissingExtraError: `pytorch-lightning` is not installed.
    """

"""Lightning, imported as `lightning`."""

from __future__ import annotations

from typing import Any, final

from justfit.integrations._host import import_host
from justfit.integrations._lightning_hooks import LightningHooks

_Callback: Any = import_host("lightning.pytorch.callbacks", extra="lightning").Callback


@final
class LightningCallback(LightningHooks, _Callback):  # type: ignore[misc]  # an untyped host
    """Watch a training of `lightning.pytorch.Trainer`.

    What is seen: gradients before and after clipping, unscaled under AMP; the loss of each step as the mean over the
    batches accumulated for it; the train loss of an epoch, as the mean over its batches while training, and the
    validation loss that the module logs. State is stored in Lightning's checkpoints, and `fit` goes on from it.

    Args:
        train_loss: Name of the metric that is the train loss, where the module logs one that is better than the mean
            over the batches, such as one in eval mode.
        validation_loss: Name of the metric that is the validation loss; by default the first there is of
            `validation_loss`, `val_loss`, `valid_loss`, `eval_loss`, and the same with a slash.
        stop_when_overfitting: Stop training when no later epoch is likely to be better.
        **watch_options: Options of :func:`justfit.watch`, such as `out`, `sinks`, `every`.

    Attributes:
        run: The watch of the training that runs, or ran last; None before.

    Raises:
        MissingExtraError: `lightning` is not installed.
    """

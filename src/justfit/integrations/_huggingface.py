"""The Trainer of Hugging Face transformers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from justfit.integrations._session import Session

if TYPE_CHECKING:
    from justfit.watch import Run

# In the folder of each checkpoint.
STATE_FILE = "justfit_watch.pt"


class HuggingFaceHooks:
    """Watch a training of `transformers.Trainer`.

    What is seen: gradients before and after clipping (the Trainer clips before it tells callbacks of a step, so its
    own hooks show the clipped ones only), unscaled under AMP; the loss of each step as the Trainer reports it; of each
    epoch the mean of these and the loss of the evaluation. Where the Trainer evaluates every so many steps, an epoch
    here is what lies between two evaluations. State is stored in the folder of each checkpoint.

    Args:
        validation_loss: Name of the metric that is the validation loss; by default `eval_loss`, or what an evaluation
            on several sets reports first.
        stop_when_overfitting: Stop training when no later epoch is likely to be better.
        **watch_options: Options of :func:`justfit.watch`, such as `out`, `sinks`, `every`.
    """

    def __init__(
        self, *, validation_loss: str | None = None, stop_when_overfitting: bool = False, **watch_options: Any
    ) -> None:
        super().__init__()
        self._wanted = validation_loss
        self._chosen = validation_loss  # the same in every evaluation of one training
        self._session = Session(watch_options, stop_when_overfitting=stop_when_overfitting, silent_host="transformers")
        self._logged: dict[str, float] = {}
        self._last_step = 0  # up to which epochs have been told

    @property
    def run(self) -> Run | None:
        """The watch of the training that runs, or ran last."""
        return self._session.run

    def on_train_begin(self, args: Any, state: Any, _control: Any, **found: Any) -> None:
        """Open the watch, and go on where a checkpoint ended if training does."""
        self._chosen = self._wanted
        self._last_step = state.global_step
        self._session.load_state_dict(_stored_state(args, state))
        # the Trainer divides the loss of each micro-batch by their number, or by that of all their tokens
        self._session.open(found["model"], found["optimizer"], micro_batch_losses="sum")

    def on_log(self, _args: Any, _state: Any, _control: Any, logs: Any = None, **_found: Any) -> None:
        """Keep the gradient norm that the Trainer saw before it clipped; it is logged with the epoch."""
        if logs and "grad_norm" in logs:
            self._logged["grad_norm"] = float(logs["grad_norm"])

    def on_epoch_end(self, args: Any, state: Any, _control: Any, **_found: Any) -> None:
        """Tell the loss of an epoch if none will be evaluated."""
        if getattr(args.eval_strategy, "value", args.eval_strategy) == "no":
            self._end_epoch(state, None)

    def on_evaluate(self, _args: Any, state: Any, control: Any, metrics: Any = None, **_found: Any) -> None:
        """Tell the losses of what was trained since the last evaluation."""
        loss = self._validation_loss(metrics or {})
        if loss is not None and self._end_epoch(state, loss):
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, _control: Any, **_found: Any) -> None:
        """Put the state of the watch into the folder of the checkpoint."""
        folder = _checkpoint(args, state)
        if args.should_save and folder.is_dir():
            torch.save(self._session.state_dict(), folder / STATE_FILE)

    def on_train_end(self, _args: Any, _state: Any, _control: Any, **_found: Any) -> None:
        """Close the watch."""
        self._session.close()

    def close(self) -> None:
        """Close the watch, after an error: the Trainer does not tell callbacks of it."""
        self._session.close()

    def _end_epoch(self, state: Any, validation_loss: float | None) -> bool:
        if state.global_step == self._last_step:  # an evaluation before the first step, or a second one of one network
            return False
        self._last_step = state.global_step
        metrics, self._logged = self._logged, {}
        return self._session.end_epoch(validation_loss=validation_loss, metrics=metrics)

    def _validation_loss(self, metrics: Mapping[str, Any]) -> float | None:
        if self._chosen is None:
            self._chosen = next((name for name in ("eval_loss", *metrics) if name in metrics and "loss" in name), None)
        return None if self._chosen is None or self._chosen not in metrics else float(metrics[self._chosen])


def _checkpoint(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _stored_state(args: Any, state: Any) -> dict[str, Any]:
    """Read what was stored with the checkpoint that training goes on from; nothing if there is none."""
    if state.global_step == 0:
        return {}
    for folder in (_checkpoint(args, state), Path(str(args.resume_from_checkpoint))):
        if (folder / STATE_FILE).is_file():
            return dict(torch.load(folder / STATE_FILE, weights_only=True))
    return {}

"""The training loops of others, watched, and the places where what was watched is shown.

A callback for each host opens the watch when training begins, tells it the losses and the epochs, and closes it when
training ends; its options are those of :func:`justfit.watch`. A sink takes the numbers to TensorBoard, W&B, MLflow or a
file. Each host is imported when its callback is asked for, and not before (PEP 562).

>>> import pathlib, tempfile
>>> from justfit.integrations import JsonLinesSink
>>> path = pathlib.Path(tempfile.mkdtemp()) / "watch.jsonl"
>>> sink = JsonLinesSink(path)
>>> sink.log({"loss": 0.25}, step=1)
>>> sink.close()
>>> path.read_text()
'{"step": 1, "values": {"loss": 0.25}}\\n'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from justfit.integrations._fabric import FabricCallback
from justfit.integrations._host import derive
from justfit.integrations._json_lines_sink import JsonLinesSink
from justfit.integrations._mlflow_sink import MlflowSink
from justfit.integrations._tensorboard_sink import TensorBoardSink
from justfit.integrations._wandb_sink import WandbSink

if TYPE_CHECKING:
    # classes of hosts that need not be installed
    HuggingFaceCallback: Any
    KerasCallback: Any
    LightningCallback: Any
    PytorchLightningCallback: Any
    SkorchCallback: Any

__all__ = [
    "FabricCallback",
    "HuggingFaceCallback",
    "JsonLinesSink",
    "KerasCallback",
    "LightningCallback",
    "MlflowSink",
    "PytorchLightningCallback",
    "SkorchCallback",
    "TensorBoardSink",
    "WandbSink",
]

# callback: module and name of its hooks, what the host wants a callback to be, and the extra that brings the host
_HOSTS = {
    "HuggingFaceCallback": ("_huggingface:HuggingFaceHooks", "transformers:TrainerCallback", "huggingface"),
    "KerasCallback": ("_keras:KerasHooks", "keras.callbacks:Callback", "keras"),
    "LightningCallback": ("_lightning:LightningHooks", "lightning.pytorch.callbacks:Callback", "lightning"),
    "PytorchLightningCallback": (
        "_lightning:LightningHooks", "pytorch_lightning.callbacks:Callback", "pytorch-lightning",
    ),
    "SkorchCallback": ("_skorch:SkorchHooks", "skorch.callbacks:Callback", "skorch"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOSTS:
        raise AttributeError(f"module 'justfit.integrations' has no attribute {name!r}")
    place, base, extra = _HOSTS[name]
    module, _, hooks = place.partition(":")
    value = derive(getattr(import_module(f"{__name__}.{module}"), hooks), name=name, base=base, extra=extra)
    globals()[name] = value  # the next access does not come through here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

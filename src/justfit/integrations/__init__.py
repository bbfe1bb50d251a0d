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
from justfit.integrations._json_lines_sink import JsonLinesSink
from justfit.integrations._mlflow_sink import MlflowSink
from justfit.integrations._tensorboard_sink import TensorBoardSink
from justfit.integrations._wandb_sink import WandbSink

if TYPE_CHECKING:
    from justfit.integrations._huggingface import HuggingFaceCallback
    from justfit.integrations._keras import KerasCallback
    from justfit.integrations._lightning import LightningCallback
    from justfit.integrations._pytorch_lightning import PytorchLightningCallback
    from justfit.integrations._skorch import SkorchCallback

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

# These derive from a class of their host, so they exist only where it is installed.
_MODULES = {
    "HuggingFaceCallback": "_huggingface",
    "KerasCallback": "_keras",
    "LightningCallback": "_lightning",
    "PytorchLightningCallback": "_pytorch_lightning",
    "SkorchCallback": "_skorch",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'justfit.integrations' has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value  # the next access does not come through here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

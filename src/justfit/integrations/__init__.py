"""The training loops of others, watched, and the places where what was watched is shown.

A callback for each host opens the watch when training starts, tells it the phase, the losses and the epochs, and closes
it when training ends, however it ends; its options are those of :func:`justfit.watch`. A sink takes the values to
TensorBoard, W&B, MLflow or a file. Each host is imported when its callback is asked for, and never before.

>>> import pathlib, tempfile, torch, justfit
>>> from justfit.integrations import JsonLinesSink
>>> path = pathlib.Path(tempfile.mkdtemp()) / "watch.jsonl"
>>> sink = JsonLinesSink(path)
>>> sink.log({"train_loss": 0.25}, step=1)
>>> sink.close()
>>> path.read_text()
'{"step": 1, "values": {"train_loss": 0.25}}\\n'
"""

from __future__ import annotations

from justfit.integrations._json_lines_sink import JsonLinesSink
from justfit.integrations._mlflow_sink import MlflowSink
from justfit.integrations._tensorboard_sink import TensorBoardSink
from justfit.integrations._wandb_sink import WandbSink

__all__ = ["JsonLinesSink", "MlflowSink", "TensorBoardSink", "WandbSink"]

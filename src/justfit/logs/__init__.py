"""Logs of other tools: which file is it, which two columns are the train and the validation loss, and what they say.

A log is recognised by what it holds, not by its name: CSV and TSV (Lightning, Keras, fastai, Ultralytics, W&B), JSON
and JSON lines (Hugging Face `trainer_state.json`, Keras `History.history`, skorch, Trackio, justfit's own record),
Parquet, TensorBoard event files, the SQLite databases of Trackio and MLflow, and the folders in which these lie.

>>> import pathlib, tempfile
>>> path = pathlib.Path(tempfile.mkdtemp()) / "metrics.csv"
>>> _ = path.write_text("epoch,step,train_loss_step,val_loss\\n0,1,0.9,\\n0,3,0.7,\\n0,3,,1.0\\n1,5,0.5,\\n1,7,,0.8\\n")
>>> history = read_history(path)
>>> history.epochs, history.validation_loss, history.kind
((0, 1), (1.0, 0.8), 'Lightning CSVLogger (csv)')
>>> [round(loss, 3) for loss in history.train_loss]
[0.8, 0.5]

The columns are chosen by their names (`_names`, `_columns`): a train and a validation column of one metric; the loss
before a loss by another name (`nll`), before a part of one (`box_loss`), before an error (`mse`), before a score
(`acc`); validation before test rows; values per epoch before values per step. Two equally good pairs are an error that
lists them.

The modules inside: `_source` finds out what lies behind a path, `_folder` what lies in a folder; `_csv`, `_json`,
`_tensorboard`, `_mlflow`, `_sqlite` and `_record` read, `_rows` and `_split` make columns and runs, `_tools` knows who
wrote them; `_names` and `_columns` choose, and `_timeline` brings the two series to one entry per epoch.
"""

from __future__ import annotations

from justfit.logs._read import read_histories, read_history, read_runs
from justfit.logs._tools import TOOLS, Tool

__all__ = ["TOOLS", "Tool", "read_histories", "read_history", "read_runs"]

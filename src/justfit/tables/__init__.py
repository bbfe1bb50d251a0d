"""From a table to arrays: read it, find the task, split the rows, encode the columns; and back again.

Four steps, each of which says what it did in `notes`, `task_reason` or `dropped`, and refuses with a way out what it
cannot use. The encoder and the target's scale are fitted on training rows only, so that the test rows stay unseen.

>>> from justfit.tables import Encoder, drop_unlabelled, infer_target, read_table, split_rows
>>> table = read_table("diabetes")                                       # or "rows.csv.gz", or a data frame
>>> frame, notes = drop_unlabelled(table.frame, "target")
>>> target = infer_target(frame["target"])
>>> target.task, target.task_reason
('regression', '`target` holds 214 different whole numbers in 442 rows, more than the 20 that could be classes')
>>> train, test = split_rows(target.encode(frame["target"]), task=target.task, test_fraction=0.2, seed=0)
>>> target = target.fit_scale(frame["target"][train])
>>> encoder = Encoder().fit(frame[train], exclude="target")
>>> encoder.transform(frame[test]).shape
(88, 10)
>>> target.decode(target.encode(frame["target"][:2])).to_list()
[151.0, 75.0]
"""

from __future__ import annotations

from justfit.tables._encoder import Encoder
from justfit.tables._read import read_table
from justfit.tables._source import SHIPPED_SETS
from justfit.tables._split import split_rows
from justfit.tables._table import Table, Task
from justfit.tables._target import Target, drop_unlabelled, infer_target
from justfit.tables._write import write_table

__all__ = [
    "SHIPPED_SETS",
    "Encoder",
    "Table",
    "Target",
    "Task",
    "drop_unlabelled",
    "infer_target",
    "read_table",
    "split_rows",
    "write_table",
]

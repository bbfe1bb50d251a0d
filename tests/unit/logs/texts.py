"""Logs as the tools write them, cut down to a few rows; a test of a real run of the tool stands in test_real_tools.py
wherever the tool is small enough."""

LIGHTNING = """\
epoch,step,train_loss_epoch,train_loss_step,val_acc,val_loss
0,1,,2.9,,
0,3,,2.6,,
0,3,,,0.5,1.7
0,3,3.0,,,
1,5,,1.4,,
1,7,,1.2,,
1,7,,,0.7,0.8
1,7,1.4,,,
2,9,,0.7,,
2,11,,0.5,,
2,11,,,0.8,0.4
2,11,0.6,,,
"""

KERAS_CSV = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,0.9,0.4,1.0\n1,0.6,0.7,0.5,0.9\n2,0.7,0.5,0.6,0.8\n"

FASTAI = "epoch,train_loss,valid_loss,accuracy,time\n0,0.9,1.0,0.5,00:03\n1,0.7,0.9,0.6,00:03\n2,0.5,0.8,0.7,00:03\n"

ULTRALYTICS = """\
epoch,time,train/box_loss,train/cls_loss,train/dfl_loss,metrics/precision(B),metrics/mAP50(B),val/box_loss,val/cls_loss,\
val/dfl_loss,lr/pg0
1,3.1,1.0,2.0,0.5,0.4,0.3,1.5,2.5,0.5,0.01
2,6.2,0.5,1.0,0.5,0.5,0.4,1.0,2.0,0.5,0.01
"""

# Older versions pad the header and every cell with blanks.
ULTRALYTICS_PADDED = """\
                  epoch,         train/box_loss,         val/box_loss,           lr/pg0
                      0,                    1.5,                  2.0,             0.01
                      1,                    1.0,                  1.5,             0.01
"""

TRAINER_STATE = """{
  "best_metric": 0.8, "best_model_checkpoint": "out/checkpoint-6", "epoch": 3.0, "global_step": 6,
  "log_history": [
    {"epoch": 0.5, "grad_norm": 1.0, "learning_rate": 5e-05, "loss": 1.2, "step": 1},
    {"epoch": 1.0, "grad_norm": 1.0, "learning_rate": 4e-05, "loss": 1.0, "step": 2},
    {"epoch": 1.0, "eval_accuracy": 0.5, "eval_loss": 1.1, "eval_runtime": 0.1, "eval_steps_per_second": 9, "step": 2},
    {"epoch": 1.5, "loss": 0.8, "step": 3}, {"epoch": 2.0, "loss": 0.6, "step": 4},
    {"epoch": 2.0, "eval_accuracy": 0.6, "eval_loss": 0.9, "eval_runtime": 0.1, "step": 4},
    {"epoch": 2.5, "loss": 0.5, "step": 5}, {"epoch": 3.0, "loss": 0.3, "step": 6},
    {"epoch": 3.0, "eval_accuracy": 0.7, "eval_loss": 0.8, "eval_runtime": 0.1, "step": 6},
    {"epoch": 3.0, "step": 6, "total_flos": 1.0, "train_loss": 0.7, "train_runtime": 3.0}
  ]
}"""

WANDB_CSV = """\
_step,_runtime,_timestamp,epoch,train/loss,val/loss
0,1.5,1795629262.1,0,0.9,
1,1.6,1795629263.1,0,,1.0
2,1.7,1795629264.1,1,0.7,
3,1.8,1795629265.1,1,,0.9
"""

WANDB_PANEL = """\
"Step","brave-fox-1 - train_loss","brave-fox-1 - train_loss__MIN","brave-fox-1 - train_loss__MAX",\
"brave-fox-1 - val_loss","brave-fox-1 - val_loss__MIN","brave-fox-1 - val_loss__MAX",\
"calm-sea-2 - train_loss","calm-sea-2 - val_loss"
"0","0.9","0.9","0.9","1.0","1.0","1.0","0.8","0.9"
"1","0.7","0.7","0.7","0.9","0.9","0.9","0.6","0.8"
"""

MLFLOW_CSV = """\
run_id,key,value,step,timestamp
a1,train_loss,0.9,0,1
a1,val_loss,1.0,0,1
a1,train_loss,0.7,1,2
a1,val_loss,0.9,1,2
"""

TRACKIO_CSV = """\
run_name,timestamp,step,train_loss,val_loss
mild-wind,2026-11-25T10:00:00,0,0.9,1.0
mild-wind,2026-11-25T10:00:01,1,0.7,0.9
wild-wind,2026-11-25T10:00:00,0,0.8,1.1
wild-wind,2026-11-25T10:00:01,1,0.6,NaN
"""

KERAS_JSON = """{"loss": [0.9, 0.7, 0.5], "accuracy": [0.5, 0.6, 0.7],
 "val_loss": [1.0, NaN, 0.8], "val_accuracy": [0.4, 0.5, 0.6]}"""

SKORCH = """[
 {"batches": [{"train_loss": 1.0, "train_batch_size": 8}], "epoch": 1, "train_loss": 0.9, "train_loss_best": true,
  "valid_loss": 1.0, "valid_loss_best": true, "valid_acc": 0.5, "dur": 0.01, "train_batch_count": 1},
 {"batches": [{"train_loss": 0.8, "train_batch_size": 8}], "epoch": 2, "train_loss": 0.7, "train_loss_best": true,
  "valid_loss": 0.9, "valid_loss_best": true, "valid_acc": 0.6, "dur": 0.01, "train_batch_count": 1}
]"""

JSON_LINES = """\
{"step": 10, "train": {"loss": 0.9}}
{"step": 20, "train": {"loss": 0.7}}
{"step": 20, "val": {"loss": 1.0}}
{"step": 30, "train": {"loss": 0.5}}
{"step": 40, "train": {"loss": 0.3}}
{"step": 40, "val": {"loss": 0.8}}
"""

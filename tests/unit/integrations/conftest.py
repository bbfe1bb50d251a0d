"""Nothing of the hosts leaves the machine; the script of the Keras trainings runs in a process of its own."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

collect_ignore = ["keras_trainings.py"]

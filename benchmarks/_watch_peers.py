"""The rivals of `justfit.watch`, each as its own documentation has it; every contender trains a copy of one network.

`block(first, count)` runs `count` training steps. Rivals that are not installed beside the environment are looked for
in build/peers (see `watch_overhead.py`).
"""

import contextlib
import copy
import importlib
import os
import sys
import tempfile
import types
import warnings
from pathlib import Path
from time import perf_counter

import torch
from torch import nn
from torch.nn import functional

from justfit.watch._backward import listen, stop_listening

PEERS = Path(__file__).resolve().parents[1] / "build" / "peers"


class Contender:
    """Trains without being watched.

    Attributes:
        block_steps: Steps of one timed block; less than usual for those that take seconds a step.
        warm_up: Steps before the first one.
        most_rounds: Of blocks.
    """

    name, block_steps, warm_up, most_rounds = "plain", 16, 16, 100

    def __init__(self, network, batches):
        self.network = copy.deepcopy(network)
        self.batches = batches
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3, momentum=0.9)
        self.begin()

    def begin(self):
        """Put on what watches."""

    def resume(self):
        """A pause ends that belongs to the benchmark, not to the loop."""

    def pause(self):
        """Another contender's turn."""

    def end(self):
        """Take off what watches."""

    def step(self, number):
        inputs, targets = self.batches[number % len(self.batches)]
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.network(inputs), targets)
        loss.backward()
        self.optimizer.step()
        return loss

    def block(self, first, count):
        self.resume()
        for number in range(first, first + count):
            self.step(number)
        self.pause()


class Watched(Contender):
    every, warm_up = None, 112  # in its first 100 steps the watch spends more

    def begin(self):
        import justfit

        self.run = justfit.watch(self.network, self.optimizer, every=self.every).start()
        self.pause()

    def resume(self):
        # a watch hears every backward pass of its process, and counts all time between its steps as the loop's own:
        # here both belong to the other contenders
        listen(self.run._loop)
        self.run._loop._last = perf_counter()

    def pause(self):
        stop_listening(self.run._loop)
        self.run._loop._settle()  # steps that have passed are entered with the time before the pause

    def end(self):
        self.run.close()


class WatchedDefault(Watched):
    name = "justfit.watch, default"


class WatchedEvery16(Watched):
    name, every = "justfit.watch, every 16th step", 16


class WatchedEvery1(Watched):
    name, every = "justfit.watch, every step", 1


class Histograms(Contender):
    """`wandb.watch` offline, with the loss logged in every step as its quick start does."""

    log_freq = 16

    def begin(self):
        import wandb

        self.wandb = wandb
        folder = tempfile.mkdtemp(prefix="wandb-")
        settings = wandb.Settings(mode="offline", silent=True, console="off", x_disable_stats=True, x_disable_meta=True)
        self.run = wandb.init(dir=folder, settings=settings, reinit="create_new")
        # `wandb.watch` logs into the one global run; each contender has its own
        self.wandb.run = self.run
        self.run.watch(self.network, log="gradients", log_freq=self.log_freq)

    def resume(self):
        self.wandb.run = self.run

    def step(self, number):
        loss = super().step(number)
        self.run.log({"loss": loss.item()})
        return loss

    def end(self):
        self.run.unwatch(self.network)
        self.run.finish()


class Histograms16(Histograms):
    name, log_freq = "W&B gradient histograms, every 16th step", 16


class Histograms1000(Histograms):
    name, log_freq = "W&B gradient histograms, default (every 1,000th)", 1000


class ActivationStatistics(Contender):
    """fastai's `ActivationStats`, driven as its `Learner` drives a callback."""

    name = "fastai ActivationStats, every step"

    def begin(self):
        _use_peers()
        with contextlib.suppress(RuntimeError):  # torchvision's compiled part is for another torch; it is not used here
            torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        statistics = importlib.import_module("fastai.callback.hook").ActivationStats
        self.callback = statistics()
        self.callback.learn = types.SimpleNamespace(model=self.network, training=True, train_iter=0)
        self.callback.before_fit()

    def step(self, number):
        self.callback.learn.train_iter = number
        self.callback.before_batch()
        loss = super().step(number)
        self.callback.after_batch()
        return loss

    def end(self):
        self.callback.after_fit()


class NeuralDebugger(Contender):
    """NeuralDBG as its README has it."""

    name = "NeuralDBG, every step"

    def begin(self):
        _use_peers()
        self.debugger = importlib.import_module("neuraldbg").NeuralDbg(self.network)
        self.debugger.__enter__()

    def step(self, number):
        inputs, targets = self.batches[number % len(self.batches)]
        self.debugger.step = number
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.network(inputs), targets)
        loss.backward()
        self.debugger.record_loss(loss.item())
        self.optimizer.step()
        return loss

    def end(self):
        self.debugger.__exit__(None, None, None)


class CockpitEconomy(Contender):
    """Cockpit's economy configuration; it needs BackPACK's extended layers and the losses of single examples."""

    interval = 1

    def begin(self):
        _use_peers()
        warnings.simplefilter("ignore")
        extend = importlib.import_module("backpack").extend
        cockpit = importlib.import_module("cockpit")
        configuration = importlib.import_module("cockpit.utils.configuration").configuration
        schedule = importlib.import_module("cockpit.utils.schedules").linear(self.interval)
        self.network = extend(self.network)
        self.loss = extend(nn.CrossEntropyLoss())
        self.single = nn.CrossEntropyLoss(reduction="none")
        self.count = 0  # of its own: it compares a step with the one right before
        self.cockpit = cockpit.Cockpit(self.network.parameters(), quantities=configuration("economy", schedule))

    def step(self, number):
        inputs, targets = self.batches[number % len(self.batches)]
        self.optimizer.zero_grad()
        output = self.network(inputs)
        loss, losses = self.loss(output, targets), self.single(output, targets)
        told = {"batch_size": len(targets), "individual_losses": losses, "loss": loss, "optimizer": self.optimizer}
        with self.cockpit(self.count, info=told):
            loss.backward(create_graph=self.cockpit.create_graph(self.count))
        self.optimizer.step()
        self.count += 1
        return loss


class Cockpit1(CockpitEconomy):
    name, interval = "Cockpit economy, every step (its default)", 1
    block_steps, warm_up, most_rounds = 2, 1, 3


class Cockpit16(CockpitEconomy):
    name, interval = "Cockpit economy, every 16th step", 16
    block_steps, warm_up, most_rounds = 16, 1, 3


CONTENDERS = (
    WatchedDefault,
    WatchedEvery16,
    WatchedEvery1,
    Cockpit16,
    Cockpit1,
    Histograms1000,
    Histograms16,
    ActivationStatistics,
    NeuralDebugger,
)


def _use_peers():
    if str(PEERS) not in sys.path:
        sys.path.append(str(PEERS))  # last: nothing of the environment is replaced
    os.environ.setdefault("MPLBACKEND", "agg")

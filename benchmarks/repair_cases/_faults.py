"""The planted faults. What was planted is the true cause, whatever else may cure it.

`causes` lists the words of `Cure.cause` that name it: the first is what was planted; others follow only where the
fault is by its nature also theirs (twenty plain layers are a matter of depth and of initialization). The split is by a
hash of the name, made before anything was repaired.
"""

import hashlib
from dataclasses import dataclass, field, replace

from ._recipe import Recipe

TUNE_SHARE = 0.35

MNIST = Recipe("mnist", epochs=6, rows=2_500)
WRITTEN = replace(MNIST, net="written mlp", hidden=(48, 48, 48))
SGD = replace(MNIST, hidden=(64,), optimizer="sgd", learning_rate=0.1)
TANH = replace(MNIST, hidden=(48, 48, 48, 48), activation="tanh")
CONV = Recipe("mnist images", net="conv", hidden=(6, 12), learning_rate=3e-3, epochs=3, rows=2_500)
RNN = Recipe("mnist rows", net="rnn", hidden=(40,), activation="tanh", learning_rate=5e-3, epochs=5, rows=2_500)
BLOB = Recipe("blob", hidden=(16, 16), learning_rate=1e-2, epochs=20, batch_size=32, rows=400)
CIRCLE = replace(BLOB, data="circle", activation="tanh", loss="bce with logits")
PHONEME = Recipe("phoneme", loss="bce with logits", learning_rate=3e-3, epochs=10, rows=2_000)
KR = Recipe("kr_vs_kp", hidden=(32, 32), learning_rate=3e-3, epochs=8, rows=1_500)
SPLICE = Recipe("splice", hidden=(32,), learning_rate=1e-3, epochs=8, rows=1_500)
CAR = Recipe("car", hidden=(32, 32), learning_rate=3e-3, epochs=15, batch_size=32, rows=800)
VEHICLE = Recipe("vehicle", hidden=(32, 32), learning_rate=3e-3, epochs=25, batch_size=32, rows=450)
CNAE = Recipe("cnae", hidden=(32,), learning_rate=1e-3, epochs=10, batch_size=32, rows=500)
KIN = Recipe("kin8nm", loss="mse", learning_rate=3e-3, epochs=12, rows=2_000)
POWER = Recipe("power", loss="mse", hidden=(32, 32), learning_rate=3e-3, epochs=8, rows=2_000)
ENERGY = Recipe("energy", loss="mse", hidden=(32, 32), learning_rate=3e-3, epochs=30, batch_size=32, rows=400)
CONCRETE = Recipe("concrete", loss="mse", hidden=(32, 32), learning_rate=5e-3, epochs=25, batch_size=32, rows=550)
CALIFORNIA = Recipe("california", loss="mse", learning_rate=3e-3, epochs=10, rows=2_500)


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes:
        name: Network or data, and what was done.
        category: For the table.
        causes: See above.
        base: Where it is planted.
        planted: Fields of the recipe that the fault changes.
        twin_has: Fields that the healthy twin has and the sick one lacks.
    """

    name: str
    category: str
    causes: tuple[str, ...]
    base: Recipe
    planted: dict = field(default_factory=dict)
    twin_has: dict = field(default_factory=dict)

    @property
    def twin(self):
        return replace(self.base, **self.twin_has)

    @property
    def sick(self):
        return replace(self.base, **self.planted)

    @property
    def part(self):
        return part_of(self.name)


def part_of(name):
    """`tune` or `final`, by the name alone."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return "tune" if number < TUNE_SHARE * 2**32 else "final"


def _faults(category, causes, *rows):
    """Rows are (name, base, what is planted[, what the twin has])."""
    causes = (causes,) if isinstance(causes, str) else causes
    return [Fault(name, category, causes, base, *rest) for name, base, *rest in rows]


WELL = {"init": "he", "bias": 0.0}
DEEP = {"optimizer": "sgd", "learning_rate": 0.1}
NOISY_MNIST = replace(MNIST, hidden=(128, 128), rows=600, batch_size=32, epochs=20, noise=0.4)

FAULTS = [
    *_faults(
        "initialization",
        "initialization",
        ("mnist: all weights 0", MNIST, {"init": "zeros", "bias": 0.0}),
        ("mnist: all weights 0.1", MNIST, {"init": "constant 0.1"}),
        ("mnist sgd: all weights ×0.01", SGD, {"scale": 0.01}),
        ("mnist: all weights ×10", MNIST, {"scale": 10.0}),
        ("mnist: last layer ×100", MNIST, {"scale": 100.0, "init_layers": "last"}),
        (
            "mnist written: all weights ×0.01",
            WRITTEN,
            {"scale": 0.01, "optimizer": "sgd", "learning_rate": 0.1},
            {"optimizer": "sgd", "learning_rate": 0.1},
        ),
        ("mnist written: weights N(0, 1)", WRITTEN, {"init": "normal 1"}),
        ("mnist tanh: weights N(0, 1)", TANH, {"init": "normal 1"}),
        ("mnist tanh: first layer ×30", TANH, {"scale": 30.0, "init_layers": "first"}),
        ("conv: all weights ×30", CONV, {"scale": 30.0}),
        ("conv: all weights 0.05", CONV, {"init": "constant 0.05"}),
        ("blob: all weights 0", BLOB, {"init": "zeros", "bias": 0.0}),
        ("circle: all weights 0.5", CIRCLE, {"init": "constant 0.5"}),
        ("circle: weights ×100", CIRCLE, {"scale": 100.0}),
        ("phoneme: all weights 0", PHONEME, {"init": "zeros", "bias": 0.0}),
        ("phoneme: all weights ×30", PHONEME, {"scale": 30.0}),
        ("kin8nm: last layer ×100", KIN, {"scale": 100.0, "init_layers": "last"}),
        ("kin8nm: hidden biases 10", KIN, {"bias": 10.0}),
        ("kin8nm: last bias 30", KIN, {"last_bias": 30.0}),
        ("vehicle: all weights ×100", VEHICLE, {"scale": 100.0}),
        ("splice: all weights 0", SPLICE, {"init": "zeros", "bias": 0.0}),
        ("energy: all weights 0.5", ENERGY, {"init": "constant 0.5"}),
    ),
    *_faults(
        "learning rate",
        "learning rate",
        ("mnist: rate ×30", MNIST, {"learning_rate": 3e-2}),
        ("mnist: rate ×300", MNIST, {"learning_rate": 0.3}),
        ("mnist: rate /100", MNIST, {"learning_rate": 1e-5}),
        ("mnist written: rate ×100", WRITTEN, {"learning_rate": 0.1}),
        ("mnist sgd: rate ×30", SGD, {"learning_rate": 3.0}),
        ("mnist sgd: rate /1000", SGD, {"learning_rate": 1e-4}),
        ("conv: rate ×100", CONV, {"learning_rate": 0.3}),
        ("conv: rate /300", CONV, {"learning_rate": 1e-5}),
        ("rnn: rate ×30", RNN, {"learning_rate": 0.09}),
        ("rnn: rate /300", RNN, {"learning_rate": 1e-5}),
        ("blob: rate ×300", BLOB, {"learning_rate": 3.0}),
        ("circle: rate ×300", CIRCLE, {"learning_rate": 3.0}),
        ("circle: rate /100", CIRCLE, {"learning_rate": 1e-4}),
        ("phoneme: rate ×300", PHONEME, {"learning_rate": 0.9}),
        ("phoneme: rate /300", PHONEME, {"learning_rate": 1e-5}),
        ("kin8nm: rate ×100", KIN, {"learning_rate": 0.3}),
        ("kin8nm: rate /100", KIN, {"learning_rate": 3e-5}),
        ("splice: rate /1000", SPLICE, {"learning_rate": 1e-6}),
        ("energy: rate /100", ENERGY, {"learning_rate": 3e-5}),
    ),
    *_faults(
        "activation",
        "activation",
        (
            "mnist sgd: six sigmoid layers",
            replace(SGD, hidden=(48,) * 6, **WELL),
            {"activation": "sigmoid", "init": "torch", "bias": None},
        ),
        (
            "mnist: ten sigmoid layers",
            replace(MNIST, hidden=(32,) * 10, **WELL),
            {"activation": "sigmoid", "init": "torch", "bias": None},
        ),
        ("mnist: steep tanh", replace(MNIST, hidden=(48, 48, 48)), {"activation": "steep tanh"}),
        ("mnist: softmax as hidden activation", MNIST, {"activation": "softmax"}),
        ("conv: no activation", CONV, {"activation": "identity"}),
        ("conv: sigmoid", CONV, {"activation": "sigmoid"}),
        ("circle: no activation", CIRCLE, {"activation": "identity"}),
        (
            "circle: eight sigmoid layers",
            replace(CIRCLE, hidden=(16,) * 3),
            {"hidden": (16,) * 8, "activation": "sigmoid"},
        ),
        ("phoneme: no activation", PHONEME, {"activation": "identity"}),
        ("kin8nm: no activation", KIN, {"activation": "identity"}),
        ("kin8nm: lowered relu", KIN, {"activation": "lowered relu"}),
        ("vehicle: six sigmoid layers", VEHICLE, {"hidden": (32,) * 6, "activation": "sigmoid"}),
        ("car: exponential", CAR, {"activation": "exponential"}),
        ("energy: six hard sigmoid layers", ENERGY, {"hidden": (32,) * 6, "activation": "hard sigmoid"}),
    ),
    *_faults(
        "dead relu",
        ("initialization", "activation"),
        ("mnist: hidden biases -10", MNIST, {"bias": -10.0}),
        ("conv: hidden biases -5", CONV, {"bias": -5.0}),
        ("kin8nm: hidden biases -5", KIN, {"bias": -5.0}),
    ),
    *_faults(
        "loss pairing",
        "loss pairing",
        ("mnist sgd: softmax before cross entropy", SGD, {"output": "softmax"}),
        ("splice: softmax before cross entropy", SPLICE, {"output": "softmax"}),
        ("cnae: softmax before cross entropy", CNAE, {"output": "softmax"}),
        ("cnae: sigmoid before cross entropy", CNAE, {"output": "sigmoid"}),
        ("vehicle: softmax before cross entropy", VEHICLE, {"output": "softmax"}),
        ("mnist: nll without log softmax", MNIST, {"loss": "nll"}),
        ("kr_vs_kp: nll of probabilities", KR, {"loss": "nll", "output": "softmax"}),
        ("mnist sgd: squared error of probabilities", SGD, {"loss": "mse of probabilities"}),
        ("mnist sgd: squared error of classes", replace(SGD, learning_rate=0.03), {"loss": "mse of classes"}),
        ("phoneme: sigmoid before bce with logits", PHONEME, {"output": "sigmoid"}),
        ("circle: sigmoid before bce with logits", CIRCLE, {"output": "sigmoid"}),
        ("kin8nm: broadcast", KIN, {"loss": "mse broadcast"}),
        ("energy: broadcast", ENERGY, {"loss": "mse broadcast"}),
    ),
    *_faults(
        "output activation",
        ("loss pairing", "activation"),
        ("conv: relu before cross entropy", CONV, {"output": "relu"}),
        ("kin8nm: relu on the output", KIN, {"output": "relu"}),
        ("power: sigmoid on the output", POWER, {"output": "sigmoid"}),
    ),
    *_faults(
        "input scaling",
        "input scaling",
        ("mnist sgd: pixels 0 to 255", SGD, {"features": "raw"}),
        ("mnist tanh: pixels 0 to 255", TANH, {"features": "raw"}),
        ("conv: inputs ×1000", CONV, {"features": "times 1000"}),
        ("mnist sgd: inputs /1000", SGD, {"features": "times 1/1000"}),
        ("phoneme: inputs ×1000", PHONEME, {"features": "times 1000"}),
        ("phoneme: one huge column", PHONEME, {"features": "one huge column"}),
        ("kin8nm: inputs ×1000", KIN, {"features": "times 1000"}),
        ("kin8nm: inputs shifted by 100", KIN, {"features": "shifted by 100"}),
        ("vehicle: raw", VEHICLE, {"features": "raw"}),
        ("energy: raw", ENERGY, {"features": "raw"}),
        ("california: raw", CALIFORNIA, {"features": "raw"}),
        ("circle: inputs /1000", CIRCLE, {"features": "times 1/1000"}),
    ),
    *_faults(
        "target scaling",
        ("input scaling", "data"),
        ("power: raw target", POWER, {"target": "raw"}),
        ("concrete: raw target", CONCRETE, {"target": "raw"}),
    ),
    *_faults(
        "l2 too large",
        "l2",
        ("mnist: λ = 3000", MNIST, {"l2": 3_000.0}),
        ("conv: λ = 3000", CONV, {"l2": 3_000.0}),
        ("kin8nm: λ = 1000", KIN, {"l2": 1_000.0}),
        ("circle: λ = 100", CIRCLE, {"l2": 100.0}),
        ("splice: λ = 1000", SPLICE, {"l2": 1_000.0}),
        ("mnist: weight decay 0.3 in adam", MNIST, {"weight_decay": 0.3}),
        ("mnist sgd: weight decay 0.1", SGD, {"weight_decay": 0.1}),
        ("vehicle: weight decay 0.5 in adam", VEHICLE, {"weight_decay": 0.5}),
    ),
    *_faults(
        "dropout too large",
        "dropout",
        ("mnist: p = 0.95", MNIST, {"dropout": 0.95}, {"dropout": 0.1}),
        ("conv: p = 0.97", CONV, {"dropout": 0.97}, {"dropout": 0.1}),
        ("phoneme: p = 0.9", PHONEME, {"dropout": 0.9}, {"dropout": 0.1}),
        ("vehicle: p = 0.9", VEHICLE, {"dropout": 0.9}, {"dropout": 0.05}),
        ("energy: p = 0.8", ENERGY, {"dropout": 0.8}, {"dropout": 0.02}),
    ),
    *_faults(
        "not regularized",
        ("l2", "dropout", "epochs"),
        ("mnist, 600 rows, noisy labels: nothing", NOISY_MNIST, {}, {"dropout": 0.5, "l2": 20.0}),
        (
            "blob, 150 rows, noisy labels: nothing",
            replace(BLOB, hidden=(64, 64), rows=150, epochs=60, noise=0.35),
            {},
            {"l2": 10.0},
        ),
        (
            "phoneme, 300 rows, noisy labels: nothing",
            replace(PHONEME, hidden=(128, 128), rows=300, epochs=60, batch_size=32, noise=0.4),
            {},
            {"l2": 10.0, "dropout": 0.3},
        ),
        (
            "kin8nm, 250 rows, noise: nothing",
            replace(KIN, rows=250, epochs=60, batch_size=32, noise=0.7),
            {},
            {"l2": 10.0, "dropout": 0.1},
        ),
        (
            "splice, 250 rows, noisy labels: nothing",
            replace(SPLICE, rows=250, epochs=40, batch_size=32, noise=0.35),
            {},
            {"l2": 10.0, "dropout": 0.5},
        ),
        (
            "energy, 120 rows, noise: nothing",
            replace(ENERGY, hidden=(64, 64), rows=120, epochs=80, noise=0.7),
            {},
            {"l2": 5.0},
        ),
    ),
    *_faults(
        "depth",
        ("normalization/depth", "initialization", "activation"),
        ("mnist: 25 plain layers", replace(MNIST, hidden=(32,) * 3), {"hidden": (32,) * 25}),
        (
            "mnist tanh sgd: 30 plain layers",
            replace(MNIST, hidden=(32,) * 3, activation="tanh", **DEEP),
            {"hidden": (32,) * 30},
        ),
        ("kin8nm: 20 plain layers", replace(KIN, hidden=(32,) * 3), {"hidden": (32,) * 20}),
        ("circle: 20 plain layers", replace(CIRCLE, activation="relu"), {"hidden": (16,) * 20}),
    ),
    *_faults(
        "recurrent",
        ("initialization", "learning rate"),
        ("rnn: recurrent weights ×8", RNN, {"scale": 8.0, "init_layers": "recurrent"}),
        ("rnn relu: recurrent weights ×3", replace(RNN, activation="relu"), {"scale": 3.0, "init_layers": "recurrent"}),
    ),
    *_faults(
        "clipping missing",
        "learning rate",
        (
            "rnn relu: not clipped",
            replace(RNN, activation="relu", optimizer="sgd", learning_rate=0.3),
            {},
            {"clip_norm": 1.0},
        ),
        ("kin8nm sgd: not clipped", replace(KIN, optimizer="sgd", learning_rate=0.4), {}, {"clip_norm": 1.0}),
    ),
    *_faults(
        "too few epochs",
        ("epochs", "learning rate"),
        ("kin8nm: 2 epochs", replace(KIN, learning_rate=1e-3), {"epochs": 2}),
        ("mnist sgd: 1 epoch", replace(SGD, learning_rate=0.02), {"epochs": 1}),
        ("energy: 4 epochs", replace(ENERGY, learning_rate=2e-3), {"epochs": 4}),
    ),
    *_faults(
        "wrong normalization",
        "normalization/depth",
        (
            "mnist: batch norm, stale statistics",
            replace(MNIST, normalization="batch"),
            {"normalization": "stale batch"},
        ),
        (
            "kin8nm: batch norm, stale statistics",
            replace(KIN, normalization="batch"),
            {"normalization": "stale batch"},
        ),
        ("kin8nm: layer norm on the output", KIN, {"normalization": "layer on output"}),
        ("circle: layer norm on the input", CIRCLE, {"normalization": "layer on input"}),
    ),
]

# More healthy trainings: what rules often take for faults, and what is merely unusual.
HEALTHY = {
    "mnist: gelu, layer norm": replace(MNIST, activation="gelu", normalization="layer"),
    "mnist: silu, batch norm": replace(MNIST, activation="silu", normalization="batch"),
    "mnist: leaky relu, momentum": replace(MNIST, activation="leaky relu", optimizer="momentum", learning_rate=0.03),
    "mnist: one wide layer, rmsprop": replace(MNIST, hidden=(256,), optimizer="rmsprop", epochs=4),
    "mnist: dropout 0.3, adamw": replace(MNIST, dropout=0.3, optimizer="adamw", weight_decay=0.01),
    "mnist: pixels 0 to 1": replace(MNIST, features="0 to 1", init="he", bias=0.0),
    "mnist written: batch norm": replace(WRITTEN, normalization="batch"),
    "conv: batch norm": replace(CONV, normalization="batch"),
    "conv: tanh, sgd": replace(CONV, activation="tanh", optimizer="momentum", learning_rate=0.05),
    "phoneme: one sigmoid layer": replace(PHONEME, hidden=(64,), activation="sigmoid", learning_rate=1e-2),
    "pima: small": Recipe(
        "pima", hidden=(8,), loss="bce with logits", learning_rate=3e-3, epochs=15, batch_size=32, rows=400
    ),
    "california: selu": replace(CALIFORNIA, hidden=(32, 32, 32), activation="selu", init="lecun", bias=0.0),
    "car: tanh, l2": replace(CAR, activation="tanh", l2=0.3),
    "kin8nm: gelu, momentum": replace(KIN, activation="gelu", optimizer="momentum", learning_rate=0.03),
    "mnist: five tanh layers, xavier": replace(TANH, hidden=(48,) * 5, init="xavier", bias=0.0),
    "mnist: one layer, sgd": replace(SGD, hidden=(32,), learning_rate=0.2),
    "mnist: elu, adam at 0.002": replace(MNIST, activation="elu", learning_rate=2e-3),
    "mnist rows: relu, orthogonal": replace(RNN, activation="relu", init="orthogonal"),
    "conv: dropout, weight decay": replace(CONV, dropout=0.3, weight_decay=1e-4),
    "conv: leaky relu, rmsprop": replace(
        CONV, activation="leaky relu", optimizer="rmsprop", learning_rate=1e-3, epochs=4
    ),
    "blob: three wide layers": replace(BLOB, hidden=(64, 64, 64), learning_rate=3e-3),
    "circle: gelu": replace(CIRCLE, activation="gelu"),
    "splice: l2 and dropout": replace(SPLICE, l2=1.0, dropout=0.3),
    "cnae: sgd": replace(CNAE, optimizer="momentum", learning_rate=0.05),
    "vehicle: layer norm, silu": replace(VEHICLE, activation="silu", normalization="layer"),
    "kin8nm: he, l2": replace(KIN, init="he", bias=0.0, l2=0.3),
    "power: batch norm": replace(POWER, normalization="batch"),
    "energy: selu": replace(ENERGY, activation="selu", init="lecun", bias=0.0),
    "concrete: adamw": replace(CONCRETE, optimizer="adamw", weight_decay=0.01),
    "kr_vs_kp: three layers, orthogonal": replace(KR, hidden=(32, 32, 32), init="orthogonal"),
}

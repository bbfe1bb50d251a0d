"""What one training consists of; a fault is a recipe that differs from its healthy twin in what was planted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A training, small enough for a second on one core.

    Attributes:
        data: Name of `_data.load`.
        net: "mlp" (an `nn.Sequential`), "written mlp" (a class with functional activations), "conv", "rnn".
        hidden: Widths; of the conv net its channels, of the recurrent net its state.
        activation: Hidden activation, by name.
        normalization: "", "batch", "layer" before each hidden activation; or one of the misplaced ones of `_networks`.
        dropout: p after each hidden activation; 0 has no dropout layer.
        init: "torch" leaves the layers as torch fills them; else a scheme of `_networks.fill`.
        init_layers: "all", "first", "last", "hidden", "recurrent": which layers `init` and `scale` touch.
        scale: Factor of these layers' weights after `init`.
        bias: Value of the hidden biases; None leaves them.
        last_bias: Value of the last bias; None leaves it.
        output: "", "softmax", "log_softmax", "sigmoid", "relu" after the last layer.
        loss: Name of `_train.LOSSES`.
        optimizer: "adam", "adamw", "sgd", "momentum", "rmsprop".
        weight_decay: The optimizer's own argument.
        l2: λ of λ/(2n)·Σw².
        clip_norm: Of the gradient; None does not clip.
        rows: Training rows.
        features: "standard", or one of the faults of `_data.scaled`.
        target: "standard", "raw", "times 1000": regression targets.
        noise: Share of training and validation labels drawn at random; in regression the noise's standard deviation
            in those of the target. Test labels stay clean.
    """

    data: str
    net: str = "mlp"
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "relu"
    normalization: str = ""
    dropout: float = 0.0
    init: str = "torch"
    init_layers: str = "all"
    scale: float = 1.0
    bias: float | None = None
    last_bias: float | None = None
    output: str = ""
    loss: str = "cross_entropy"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    l2: float = 0.0
    clip_norm: float | None = None
    epochs: int = 8
    batch_size: int = 64
    rows: int = 3_000
    features: str = "standard"
    target: str = "standard"
    noise: float = 0.0

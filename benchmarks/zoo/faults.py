"""Faults planted in healthy networks.

Each fault has a healthy twin: the same data, loss and budget, without the fault. It counts only where the best of three
learning rates leaves it clearly worse than the twin, or where it is a fault by definition, such as a layer that is
never called. `error` is the proper loss over that of an uninformed prediction, for both twins alike.
"""

import dataclasses
import functools
import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Case, Fault
from zoo._plants import (
    LN10,
    CutResidual,
    LoudBranches,
    Pooled,
    SkipsBlock,
    WithUnused,
    around,
    between,
    biases,
    bytes_of,
    centred_sigmoid,
    chance_error,
    class_error,
    flat_targets,
    hot_attention,
    inputs_changed,
    logit_error,
    loud_column,
    mirrored,
    normal,
    nothing,
    offset,
    one_layer,
    orthogonal,
    probability_error,
    scaled,
    set_all,
    squared_error,
    token_error,
    topic_error,
    weights,
    xavier,
    zero_over_zero,
)
from zoo.attention import GPT, Encoder, ViT
from zoo.convolutional import Basic, plain, resnet, vgg
from zoo.perceptrons import ResidualMLP, he, initialised, mlp
from zoo.recurrent import Reader

SGD = (("sgd", 0.02), ("sgd", 0.05), ("sgd", 0.15))
ADAM = (("adam", 3e-4), ("adam", 1e-3), ("adam", 3e-3))
SIZE = {"JF203", "JF201", "JF302"}


# --- the bases and the list --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Base:
    name: str
    build: object
    batch: object = _data.rows
    loss_fn: object = functional.cross_entropy
    error: object = class_error
    recipes: tuple = SGD
    uninformed: float = LN10
    steps: int = 80

    def case(self, label, build=None, **changes):
        base = dataclasses.replace(self, **changes)
        build = build or base.build
        return Case(f"{self.name}_{label}", "fault", build, base.batch, base.loss_fn, base.uninformed, base.steps)


def fault(kind, base, codes, plant=nothing, *, build=None, healthy=None, error=None, by_definition=False, **changes):
    def broken_build():
        return plant((build or base.build)())

    broken = base.case(kind, broken_build, **changes)
    return Fault(f"{kind}:{base.name}", kind, base.case("healthy", healthy), broken, frozenset(codes), base.error,
                 base.recipes, by_definition, error)  # fmt: skip


def deep(depth, activation, width=64):
    return functools.partial(mlp, depth, activation, width)


def of(init, depth, activation, name):
    return Base(name, lambda: init(mlp(depth, activation)))


MLP_R, MLP_T = Base("mlp3_relu", deep(3, nn.ReLU)), Base("mlp3_tanh", deep(3, nn.Tanh))
MLP_G, MLP_W = Base("mlp4_gelu", deep(4, nn.GELU)), Base("mlp3_relu_wide", deep(3, nn.ReLU, 128))
HE5 = Base("mlp5_relu_he", lambda: initialised(mlp(5, nn.ReLU), he))
TANH5 = Base("mlp5_tanh_xavier", lambda: xavier()(mlp(5, nn.Tanh)))
SIGMOID2 = Base("mlp3_sigmoid", lambda: centred_sigmoid(mlp(3, nn.Sigmoid)))
CONV = Base("plain_conv4_he", lambda: initialised(plain(4), he), _data.images)
CONV6 = Base("plain_conv6_he", lambda: initialised(plain(6), he), _data.images)
CONV10 = Base("plain_conv10_he", lambda: initialised(plain(10), he), _data.images)
VGG = Base("vgg_bn", lambda: vgg([1, "M", 2, "M", 2, "M", 4, "M"]), _data.color, steps=40)
RESNET = Base("resnet", lambda: resnet(Basic, 8, (1, 1, 1)), _data.color, steps=40)
LSTM = Base("lstm", lambda: Reader(nn.LSTM), _data.digit_sequences, recipes=ADAM)
RESIDUAL = Base("residual_mlp", lambda: ResidualMLP(4))
RESIDUAL_PLAIN = Base("residual_mlp_plain", lambda: LoudBranches(0.3, depth=8))
VIT = Base("vit", lambda: ViT(class_token=False, depth=3), _data.images, recipes=ADAM, steps=120)
LM = Base("gpt", GPT, _data.tokens, lambda o, t: functional.cross_entropy(o.flatten(0, 1), t.flatten()), token_error,
          ADAM, math.log(32))  # fmt: skip
TEXT = Base("encoder", lambda: Encoder(True, dropout=0.0), _data.topics, functional.cross_entropy, topic_error, ADAM,
            math.log(4))  # fmt: skip
SMOOTH = Base("smooth_relu", functools.partial(mlp, 3, nn.ReLU, 64, 8, 1), _data.smooth,
              functional.mse_loss, squared_error, uninformed=1.0)  # fmt: skip
SMOOTH_T = dataclasses.replace(SMOOTH, name="smooth_tanh", build=functools.partial(mlp, 3, nn.Tanh, 64, 8, 1))
DIABETES = dataclasses.replace(SMOOTH, name="diabetes", build=functools.partial(mlp, 3, nn.ReLU, 32, 10, 1),
                               batch=_data.diabetes)  # fmt: skip
BINARY = Base("cancer", functools.partial(mlp, 3, nn.ReLU, 32, 30, 1), _data.binary,
              functional.binary_cross_entropy_with_logits, logit_error, uninformed=math.log(2))  # fmt: skip
BINARY_T = dataclasses.replace(BINARY, name="cancer_tanh", build=functools.partial(mlp, 2, nn.Tanh, 32, 30, 1))
CANCER = Base("cancer_classes", functools.partial(mlp, 3, nn.ReLU, 32, 30, 2), _data.cancer_classes,
              uninformed=math.log(2))  # fmt: skip
WINE = dataclasses.replace(CANCER, name="wine", build=functools.partial(mlp, 3, nn.Tanh, 32, 13, 3), batch=_data.wine)


MIRRORED20 = of(mirrored, 20, nn.ReLU, "mlp20_relu")
TANH20 = of(orthogonal, 20, nn.Tanh, "mlp20_tanh")


def size_faults():
    small, large = SIZE, {"JF303", "JF204", "JF202", "JF305"}
    zero, constant = {"JF301", *SIZE}, {"JF301"}
    deep_small = {"JF205", *SIZE}
    return (
        *(fault("all_zero", base, zero, set_all(0.0)) for base in (MLP_R, MLP_T, CONV, SMOOTH, LSTM, MLP_G)),
        *(fault("constant_0.1", base, constant, set_all(0.1)) for base in (MLP_R, MLP_T, CONV, LSTM, MLP_G)),
        *(fault("normal_std_1", base, large, normal(1.0)) for base in (HE5, TANH5, CONV6, MLP_W, SMOOTH_T)),
        *(fault("normal_std_0.01", of(init, depth, act, name), small, normal(0.01)) for init, depth, act, name in (
            (mirrored, 8, nn.ReLU, "mlp8_relu"), (orthogonal, 10, nn.Tanh, "mlp10_tanh"),
            (mirrored, 12, nn.GELU, "mlp12_gelu"), (mirrored, 20, nn.ReLU, "mlp20_relu"))),
        fault("normal_std_0.01", CONV10, small, normal(0.01)),
        *(fault("torch_default_deep", of(mirrored, depth, nn.ReLU, f"mlp{depth}_relu"), deep_small,
                build=deep(depth, nn.ReLU)) for depth in (20, 30, 50, 100)),
        *(fault("xavier_relu_deep", of(mirrored, depth, nn.ReLU, f"mlp{depth}_relu"), deep_small, xavier(),
                build=deep(depth, nn.ReLU)) for depth in (40, 80)),
        *(fault("he_relu_deep", of(mirrored, depth, nn.ReLU, f"mlp{depth}_relu"), {"JF205"}, weights(he),
                build=deep(depth, nn.ReLU)) for depth in (60, 100, 150)),
        *(fault("tanh_gain_5_3_deep", of(orthogonal, depth, nn.Tanh, f"mlp{depth}_tanh"),
                {"JF202", "JF205", "JF305", "JF303"}, xavier(5 / 3)) for depth in (60, 100)),
        *(fault("sigmoid_deep", of(centred_sigmoid, depth, nn.Sigmoid, f"mlp{depth}_sigmoid"), deep_small,
                build=deep(depth, nn.Sigmoid)) for depth in (8, 10, 15)),
        fault("sigmoid_deep", of(centred_sigmoid, 12, nn.Sigmoid, "mlp12_sigmoid"), deep_small, xavier()),
        *(fault("saturated_x20", base, {"JF305", "JF303"}, scaled(20.0)) for base in (TANH5, MLP_T, WINE, SIGMOID2)),
        *(fault("dead_bias_-10", base, {"JF304", "JF201", "JF203"}, biases(-10.0)) for base in
          (MLP_R, HE5, CONV, SMOOTH, BINARY)),
        fault("dead_bias_-10", dataclasses.replace(HE5, name="mlp5_relu_he_one_layer"), {"JF304", "JF201", "JF203"},
              biases(-10.0, slice(2, 3))),
        *(fault("head_x100", base, {"JF504", "JF303"}, scaled(100.0, hidden=False, head=True)) for base in
          (MLP_R, MLP_T, CONV, RESNET, LSTM, SMOOTH)),
        *(fault("one_layer_left_out", dataclasses.replace(base, name=f"{base.name}_{number}_x{factor}"),
                {"JF302", "JF306", "JF203", "JF201"}, one_layer(factor, number))
          for base, factor, number in ((HE5, 1e-5, 2), (CONV6, 1e-5, 3), (MIRRORED20, 1e-6, 10), (TANH5, 1e-5, 2),
                                       (TANH20, 1e-3, 8))),
        *(fault("loud_residual_branches", RESIDUAL_PLAIN if depth == 8 else dataclasses.replace(
            RESIDUAL_PLAIN, name=f"residual_mlp_plain{depth}", build=functools.partial(LoudBranches, 0.2, depth=depth)),
            {"JF204", "JF202", "JF206", "JF303"}, build=functools.partial(LoudBranches, 64.0, depth=depth))
          for depth in (8, 12, 30)),
    )  # fmt: skip


def data_faults():
    return (
        *(fault("pixels_0_255", base, {"JF501"}, batch=inputs_changed(base.batch, bytes_of)) for base in
          (MLP_R, MLP_T, CONV, MLP_G)),
        *(fault("column_x1e5", base, {"JF501"}, batch=inputs_changed(base.batch, loud_column)) for base in
          (DIABETES, BINARY, SMOOTH, WINE, SMOOTH_T)),
        *(fault("offset_100", base, {"JF501"}, batch=inputs_changed(base.batch, offset)) for base in
          (DIABETES, SMOOTH, BINARY_T)),
        *(fault("softmax_before_cross_entropy", base, {"JF502"}, around(after=functools.partial(torch.softmax, dim=-1)),
                error=probability_error) for base in (MLP_R, MLP_T, CONV, VGG, HE5)),
        *(fault("sigmoid_before_bce_with_logits", base, {"JF502"}, around(after=torch.sigmoid), error=chance_error,
                by_definition=True)
          for base in (BINARY, BINARY_T)),
        *(fault("mse_broadcast", base, {"JF502"}, batch=flat_targets(base.batch)) for base in
          (SMOOTH, SMOOTH_T, DIABETES)),
        *(fault("no_log_softmax_before_nll", base, {"JF502"}, loss_fn=functional.nll_loss) for base in
          (MLP_R, MLP_T, CONV)),
        *(fault("output_range_too_small", base, {"JF502"}, around(after=torch.sigmoid)) for base in (SMOOTH, DIABETES)),
    )  # fmt: skip


def flow_faults():
    return (
        *(fault("log_of_negative", base, {"JF206"}, between(torch.log)) for base in (MLP_T, HE5)),
        *(fault("zero_over_zero", base, {"JF206"}, between(zero_over_zero)) for base in (MLP_R, TANH5)),
        *(fault("overflow_exp", base, {"JF206"}, between(lambda x: torch.exp(1e3 * x))) for base in (MLP_R, HE5)),
        *(fault("unused_module", base, {"JF503"}, WithUnused, by_definition=True) for base in
          (MLP_R, CONV, LSTM, VIT, RESIDUAL)),
        fault("unused_module", dataclasses.replace(RESIDUAL, name="residual_mlp_block_skipped"), {"JF503"},
              build=lambda: SkipsBlock(4), by_definition=True),
        *(fault("detach", base, {"JF503", "JF201"}, between(torch.detach), by_definition=True) for base in
          (MLP_R, HE5, CONV6, TANH5)),
        fault("detach", RESIDUAL, {"JF503", "JF201"}, build=lambda: CutResidual(4), by_definition=True),
        *(fault("attention_logits_x50", base, {"JF208", "JF303"}, hot_attention(factor)) for base, factor in
          ((VIT, 50.0), (LM_HOT, 50.0), (TEXT, 50.0), (dataclasses.replace(VIT, name="vit_x200"), 200.0))),
        *(fault("attention_without_residual", Base(f"attention{depth}", functools.partial(Pooled, True, depth),
                _data.images, recipes=ADAM, steps=120), {"JF207", "JF205"},
                build=functools.partial(Pooled, False, depth)) for depth in (6, 12, 24)),
    )  # fmt: skip


def default_gpt():
    """GPT with torch's weights, not N(0, .02), under which no factor makes the attention hot."""
    module = GPT(tied=False)
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    return module


LM_HOT = dataclasses.replace(LM, name="gpt_default_weights", build=default_gpt)


def faults():
    """Every fault, harmful or not; the benchmark measures which are."""
    return size_faults() + data_faults() + flow_faults()

"""What others say about the same network and batch, each as a score: the higher, the likelier it trains.

Every rival is given its own best use: a share of flagged layers is used as a score, not only as an alarm.

* `torchlens`: 1 − flagged / audited operations of `tl.debug.gradient_flow_audit` (vanishing, exploding or dead).
* `torchdiag`: 1 − flagged / checked of `check_gradients` and `check_dead_neurons` together (its limits:
  1e-7, 100, 20 %).
* `mean_field`: −depth/(6ξ), ξ the correlation length of Schoenholz et al. 2017 (chains without norm only), from the
  measured n_in·Var(w) and Var(b) of each layer; the usable depth is 6ξ, so its threshold is −1.
* `weight_gradient`: −|ln ‖∂L/∂W_first‖/‖∂L/∂W_last‖|, the head left out; what most gradient monitors compare.
* `delta`: −|ln ‖∂L/∂a_first‖/‖∂L/∂a_last‖| over the blocks' outputs a.
* `proxy`: participation ratio of the last block's activations over that of the first × exp(−spread of ln ‖∂L/∂a‖),
  the two ingredients of InTrain (CVPR 2026) in our reading; its code was not run.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional

LARGEST = 1_000.0  # |ln| of a ratio with a zero or an infinity in it


def rival_scores(module, spec, inputs, targets):
    """Scores by name; None where a rival does not apply."""
    signal = _Signal(module, inputs, targets)
    return {
        "torchlens": torchlens(module, inputs, targets),
        "torchdiag": torchdiag(module, inputs),
        "mean_field": mean_field(module, spec),
        "weight_gradient": -_distance(signal.weight_gradients[0], signal.weight_gradients[-1]),
        "delta": -_distance(signal.deltas[0], signal.deltas[-1]),
        "proxy": signal.proxy(),
    }


def _distance(first, last):
    if not (0 < first < math.inf and 0 < last < math.inf):
        return LARGEST
    return min(LARGEST, abs(math.log(first / last)))


class _Signal:
    """One forward and one backward with the blocks hooked; gradients stay on the module for torchdiag."""

    def __init__(self, module, inputs, targets):
        outputs = []
        hooks = [block.register_forward_hook(lambda _m, _i, out: outputs.append(out)) for block in module.blocks]
        module.zero_grad()
        loss = functional.cross_entropy(module(inputs), targets)
        for hook in hooks:
            hook.remove()
        for output in outputs:
            output.retain_grad()
        loss.backward()
        self.deltas = [output.grad.double().norm().item() for output in outputs]
        self.ranks = [_participation_ratio(output) for output in (outputs[0], outputs[-1])]
        weights = [p for name, p in module.named_parameters() if p.dim() > 1 and name != "position"]
        self.weight_gradients = [weight.grad.double().norm().item() for weight in weights[:-1]]

    def proxy(self):
        if not all(0 < delta < math.inf for delta in self.deltas) or self.ranks[0] <= 0:
            return 0.0
        return self.ranks[1] / self.ranks[0] * math.exp(-float(np.std(np.log(self.deltas))))


def _participation_ratio(activations):
    matrix = activations.detach().flatten(1).double()
    values = torch.linalg.svdvals(matrix - matrix.mean(0)).square() if matrix.isfinite().all() else torch.zeros(1)
    total = values.square().sum()
    return float(values.sum().square() / total) if total > 0 else 0.0


def torchlens(module, inputs, targets):
    import torchlens as tl

    module.zero_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own conversions and of running statistics
        trace = tl.trace(module, inputs, capture=tl.options.CaptureOptions(save_grads=True, backward_ready=True))
        trace.log_backward(functional.cross_entropy(trace[trace.output_layers[0]].out, targets))
    frame = tl.debug.gradient_flow_audit(trace)
    flagged = frame[["vanishing", "exploding", "dead"]].any(axis=1)
    return 1.0 - float(flagged.mean())


def torchdiag(module, inputs):
    """After a backward pass, on the gradients that it left."""
    import torchdiag as td

    with contextlib.redirect_stdout(io.StringIO()):
        gradients, dead = td.check_gradients(module), td.check_dead_neurons(module, inputs)
    flags = [entry["status"] != "OK" for entry in gradients.values()]
    flags += [entry["dead_pct"] > 20 for entry in dead.values()]  # its own limit of a warning
    return 1.0 - sum(flags) / len(flags)


def mean_field(module, spec):
    if spec.family not in ("plain", "conv") or spec.norm != "none":
        return None
    layers = [part for block in module.blocks for part in block if isinstance(part, nn.Linear | nn.Conv2d)][1:]
    weight_variance = np.exp(np.mean([math.log(x.weight[0].numel() * float(x.weight.square().mean())) for x in layers]))
    bias_variance = np.mean([float(layer.bias.square().mean()) for layer in layers])
    slope = correlation_slope(next(p for p in module.blocks[0] if not hasattr(p, "weight")), weight_variance,
                              bias_variance)  # fmt: skip
    return -spec.depth * min(LARGEST, abs(math.log(max(slope, 1e-30)))) / 6


@torch.no_grad()
def correlation_slope(phi, weight_variance, bias_variance):
    """χ at the fixed point c* of the correlation map, at the length q* that 300 layers lead to (held in 1e-8 … 1e8)."""
    if isinstance(phi, nn.ReLU | nn.LeakyReLU):  # c* = 1 and χ is the same for every q
        return weight_variance * (1 + getattr(phi, "negative_slope", 0.0) ** 2) / 2
    z = torch.linspace(-5.6, 5.6, 161, dtype=torch.float64)
    w = torch.exp(-z.square() / 2)
    w = w / w.sum()

    def mean(values):
        return float(w @ values if values.dim() == 1 else w @ values @ w)

    def next_length(q):
        return weight_variance * mean(phi(math.sqrt(q) * z).square()) + bias_variance

    def pair(q, c):
        second = c * z[:, None] + math.sqrt(max(0.0, 1 - c * c)) * z[None, :]
        return math.sqrt(q) * z[:, None].expand_as(second), math.sqrt(q) * second

    q, c = 1.0, 0.3
    for _ in range(300):
        q = min(1e8, max(1e-8, next_length(q)))
    for _ in range(150):
        first, second = pair(q, c)
        c = (weight_variance * mean(phi(first) * phi(second)) + bias_variance) / next_length(q)
        c = min(1.0, max(-1.0, c))
    first, second = pair(q, c)
    return weight_variance * mean(_slope(phi, first) * _slope(phi, second))


def _slope(phi, x):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(phi(x).sum(), x)[0]

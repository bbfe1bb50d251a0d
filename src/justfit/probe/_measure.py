"""One forward and one backward pass of a network, as evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.probe._evidence import build_evidence
from justfit.probe._graph import connect
from justfit.probe._layers import activation_place
from justfit.probe._nonfinite import find_nonfinite_operation, find_nonfinite_values
from justfit.probe._process_state import collecting_later
from justfit.probe._reader import SignalReader
from justfit.probe._run import Batch, Loss, LossFunction, fresh, run_forward, run_loss, tensors_in
from justfit.probe._statistics import norms
from justfit.probe._tracer import Tracer
from justfit.probe._untouched import untouched
from justfit.probe._unwrap import eager, unwrap
from justfit.records import SignalEvidence


def read_signals(
    module: nn.Module,
    *inputs: Any,
    targets: Any = None,
    loss_fn: LossFunction | None = None,
    keywords: Mapping[str, Any] | None = None,
) -> SignalEvidence:
    r"""Measure how signals and gradients travel through a network, in one forward and one backward pass.

    The module is left as it was, bit for bit. Dropout is off and batch normalisation uses the batch, in train and in
    eval mode. Without a loss, gradients start from a random direction of the output.

    .. math:: \text{forward gain}_l = \frac{\text{rms}(a_l)}{\text{rms}(a_{l-1})}, \qquad
              \text{backward gain}_l =
              \frac{\lVert\partial L/\partial a_{l-1}\rVert}{\lVert\partial L/\partial a_l\rVert}

    Args:
        module: Any `nn.Module`; compiled and data-parallel ones are unwrapped.
        *inputs: One batch, as the module takes it; at least two examples tell more.
        targets: Class numbers, numbers of the output's shape, or whatever `loss_fn` compares with.
        loss_fn: Function of output and targets, or of the output alone where there are no targets.
        keywords: Keyword inputs.

    Returns:
        Everything that was measured.

    Raises:
        ArgumentError: The batch is empty, no loss can be made from these arguments, or nothing depends on the
            parameters.
        UnsupportedModuleError: The module cannot be run as it is: sharded, scripted, on the meta device, lazy, with
            reentrant checkpoints.
        Exception: Whatever the module itself raises, with a note.

    References:
        Schoenholz, Gilmer, Ganguli, Sohl-Dickstein, "Deep Information Propagation", 2017, sections 4 and 5.
    """
    module = unwrap(module)
    # Whatever mode the caller is in, gradients are needed; tensors made in inference mode enter as normal copies.
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        collecting_later(),
        untouched(module, inputs, keywords, targets, loss_fn),
        eager(module),
    ):
        batch = Batch(inputs=inputs, keywords=keywords or {}, targets=fresh(targets, None), loss_fn=loss_fn)
        _check_batch(batch)
        bad: dict[str, Tensor] = {}
        reader = SignalReader(batch.size)
        tracer = Tracer(module, reader)
        broken = find_nonfinite_values(module, batch, tracer.owners.parameters)
        output = run_forward(module, batch, tracer, with_gradient=True)
        for tensor in tensors_in(output):
            node = tracer.node(tensor)
            if node is not None and tensor.is_floating_point():
                reader.take(node, tensor)
        outputs = [node for tensor in tensors_in(output) if (node := tracer.node(tensor)) is not None]
        connect(tracer.nodes)
        reader.drop_gradients(
            call.node.index for call in tracer.calls if activation_place(call, tracer.calls) is not None
        )
        reader.in_loss = True
        loss = run_loss(output, batch, tracer)
        gradients = _backward(loss, tracer, reader)
        evidence = build_evidence(module, batch, tracer, reader, outputs=outputs, loss=loss, gradients=gradients)
        if broken is None and (not _is_finite(evidence, loss) or (bad := _broken(gradients, evidence))):
            broken = find_nonfinite_operation(module, batch, evidence, bad)
    return evidence if broken is None else replace(evidence, nonfinite=broken)


def _check_batch(batch: Batch) -> None:
    if batch.size == 0:
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in tensors_in((*batch.inputs, *batch.keywords.values())))
        raise ArgumentError(
            "The batch must hold at least one example.",
            found=f"inputs {shapes}",
            way_out="Pass inputs whose first dimension is at least 1; 32 examples tell more.",
        )


def _backward(loss: Loss, tracer: Tracer, reader: SignalReader) -> dict[str, Tensor | None]:
    """Send the gradient back to the parameters and the inputs, without touching any `.grad`."""
    named = {name: parameter for name, parameter in tracer.owners.parameters.items() if parameter.requires_grad}
    wanted = [*named.values(), *tracer.input_leaves]
    if not wanted or not loss.tensor.requires_grad:
        return {}
    places = reader.gradient_places
    asked: list[Any] = [*wanted, *places.values()]
    try:
        gradients = torch.autograd.grad(loss.tensor, asked, allow_unused=True)
    except RuntimeError as error:
        if "checkpoint" not in str(error).lower() or ".grad()" not in str(error):
            raise
        raise UnsupportedModuleError(
            "Gradients must be readable without writing to `.grad`, which reentrant checkpoints do not allow.",
            found="a module that calls `torch.utils.checkpoint.checkpoint` with `use_reentrant=True`",
            way_out="Pass `use_reentrant=False` to `checkpoint`, or switch checkpointing off for the check.",
        ) from error
    reader.take_gradients(dict(zip(places, gradients[len(wanted) :], strict=True)))
    return dict(zip(named, gradients, strict=False))


def _is_finite(evidence: SignalEvidence, loss: Loss) -> bool:
    # Only where a layer reads infinity: what a layer makes of NaN is NaN, and token ids have no size.
    numbers = [layer.output_rms for layer in evidence.layers]
    numbers += [layer.input_rms for layer in evidence.layers if not math.isnan(layer.input_rms)]
    # Not at every sum: the one that adds a mask to attention logits is infinite on purpose.
    numbers += [point.rms for point in evidence.trunk if point.kind == "output"] + [float(loss.tensor.detach())]
    return all(map(math.isfinite, numbers))


def _broken(gradients: dict[str, Tensor | None], evidence: SignalEvidence) -> dict[str, Tensor]:
    """Pick the gradients that are not finite; they are looked at only where that of a weight is not."""
    sizes_of_weights = {layer.parameter: layer.weight_gradient_rms for layer in evidence.layers}
    if all(math.isfinite(size) or gradients.get(name) is None for name, size in sizes_of_weights.items()):
        return {}
    found = {name: gradient for name, gradient in gradients.items() if gradient is not None}
    values = {
        name: gradient.coalesce().values() if gradient.is_sparse else gradient for name, gradient in found.items()
    }
    sizes = zip(values.items(), norms(list(values.values())), strict=True)
    return {name: gradient for (name, gradient), norm in sizes if not math.isfinite(norm)}

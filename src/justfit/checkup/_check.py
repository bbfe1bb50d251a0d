"""Check a network before it is trained, and compare initialization schemes on it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from justfit.cures import SCHEMES, Scheme, initialize_
from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.probe import LossFunction, read_signals, unwrap
from justfit.records import Checkup, SchemeCheckup, SchemeComparison
from justfit.rules import judge_signals, trainability

DEFAULT_SCHEMES = ("zero", "normal:1.0", "normal:0.01", "xavier", "he", "auto")
AS_BUILT = "as built"


def check(
    module: nn.Module,
    *inputs: Any,
    targets: Any = None,
    loss_fn: LossFunction | None = None,
    **keyword_inputs: Any,
) -> Checkup:
    r"""Check how signals and gradients travel through a network, before training or during it.

    One forward and one backward pass on one batch. The module is left as it was, bit for bit: weights, buffers,
    gradients, random state, modes and hooks, also when it raises.

    Args:
        module: Any `nn.Module`. Compiled and data-parallel ones are unwrapped.
        *inputs: One batch, as the module takes it; 32 to 128 examples of real data tell most.
        targets: Class numbers (B,), numbers of the output's shape, or what `loss_fn` compares with. Without targets
            and loss, gradients start from a random direction of the output and the loss is not judged.
        loss_fn: Function of output and targets, or of the output alone where there are no targets. By default cross
            entropy for class numbers and squared error for numbers.
        **keyword_inputs: Passed to the module by name.

    Returns:
        What was measured, `findings` worst first, and `trainability` in [0, 1].

    Raises:
        ArgumentError: No loss can be made from these arguments.
        UnsupportedModuleError: The module cannot be run as it is: sharded, scripted, lazy, on the meta device.
        Exception: Whatever the module itself raises, with a note.

    Example:
        >>> import torch
        >>> _ = torch.manual_seed(0)
        >>> deep = nn.Sequential(*[layer for _ in range(40) for layer in (nn.Linear(32, 32), nn.ReLU())])
        >>> checkup = check(deep, torch.randn(64, 32))
        >>> checkup.findings[0].code, checkup.trainability.score < 0.01
        ('JF201', True)

    References:
        Schoenholz, Gilmer, Ganguli, Sohl-Dickstein, "Deep Information Propagation", 2017.
    """
    evidence = read_signals(module, *inputs, targets=targets, loss_fn=loss_fn, keywords=keyword_inputs)
    findings, unjudged = judge_signals(evidence)
    return Checkup(evidence=evidence, trainability=trainability(evidence), findings=findings, unjudged=unjudged)


def compare(
    build: nn.Module | Callable[[], nn.Module],
    *inputs: Any,
    schemes: Sequence[str] = DEFAULT_SCHEMES,
    targets: Any = None,
    loss_fn: LossFunction | None = None,
    seed: int = 0,
    **keyword_inputs: Any,
) -> SchemeComparison:
    """Check one network under several initialization schemes, on the same batch: lecture C12 to C17 on your module.

    Args:
        build: Makes a fresh module; or a module, of which copies are initialized.
        *inputs: One batch.
        schemes: Names as in `initialize_`; `normal:0.01` carries the standard deviation; `as built` leaves the module
            as it is.
        targets: As in `check`.
        loss_fn: As in `check`.
        seed: Of every scheme, at least 0.
        **keyword_inputs: Passed to the module by name.

    Returns:
        One checkup per scheme, in the order asked for; where a scheme cannot be applied, the reason instead.

    Raises:
        ArgumentError: A scheme is unknown, or as in `check`.

    Example:
        >>> import torch
        >>> network = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
        >>> found = compare(network, torch.randn(32, 8), schemes=("zero", "xavier"))
        >>> [(entry.scheme, entry.checkup.layers[0].weight_rms > 0) for entry in found.schemes]
        [('zero', False), ('xavier', True)]
    """
    asked = [(scheme, *_parse(scheme)) for scheme in schemes]
    entries, name = [], ""
    for scheme, kind, std in asked:
        module = unwrap(copy.deepcopy(build) if isinstance(build, nn.Module) else build())
        name = type(module).__name__
        try:
            if kind is not None:
                initialize_(module, *inputs, scheme=kind, std=std, seed=seed, **keyword_inputs)
        except (ArgumentError, UnsupportedModuleError) as error:
            entries.append(SchemeCheckup(scheme=scheme, error=str(error)))
            continue
        checkup = check(module, *inputs, targets=targets, loss_fn=loss_fn, **keyword_inputs)
        entries.append(SchemeCheckup(scheme=scheme, checkup=checkup))
    return SchemeComparison(module=name, seed=seed, schemes=tuple(entries))


def _parse(scheme: str) -> tuple[Scheme | None, float | None]:
    if scheme == AS_BUILT:
        return None, None
    name, _, number = scheme.partition(":")
    found = name if name in SCHEMES else None
    try:
        std = float(number) if number else None
    except ValueError:
        found = None
        std = None
    if found is None or (number and found != "normal"):
        raise ArgumentError(
            f"A scheme must be one of {', '.join(SCHEMES)}, `normal:STD`, or `{AS_BUILT}`.",
            found=f"`{scheme}`",
            way_out="Write for example `zero,normal:0.01,xavier,he,auto`.",
        )
    return found, std

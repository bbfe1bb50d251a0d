"""Changes of the training loop and the objective as words and code: clipping, L2, weight decay, initialization."""

from __future__ import annotations

import math
from numbers import Integral, Real

from justfit.cures._initialization_draw import SCHEMES, Scheme
from justfit.errors import ArgumentError
from justfit.records import Change

# Optimizers of torch whose `weight_decay` enters the gradient; AdamW's and the like do not.
COUPLED = ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop")


def clipping_change(max_norm: float) -> Change:
    r"""Say in words and code that each step's gradient is scaled down to a norm, without changing anything.

    .. math:: g \leftarrow g \cdot \min\left(1, \frac{c}{\lVert g \rVert_2}\right)

    Args:
        max_norm: c, positive and finite.

    Raises:
        ArgumentError: `max_norm` is no positive finite number.

    Example:
        >>> print(clipping_change(1.0).code)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1)
        optimizer.step()

    References:
        Pascanu, Mikolov, Bengio, "On the Difficulty of Training Recurrent Neural Networks", 2013, section 3.2.
    """
    _check("max_norm", max_norm, "It is the norm of the whole gradient, above which it is scaled down.", least=0.0)
    return Change(
        kind="clipping",
        where="optimizer",
        before="gradients of any size",
        after=f"gradients of norm at most {max_norm:g}",
        code=(
            f"loss.backward()\ntorch.nn.utils.clip_grad_norm_(model.parameters(), max_norm={max_norm:g})\n"
            "optimizer.step()"
        ),
        why="A single large gradient throws the weights far off; scaled down it keeps its direction.",
    )


def l2_change(l2: float, num_examples: int, *, before: float = 0.0) -> Change:
    r"""Say in words and code what another L2 is, without changing anything.

    .. math:: J = L + \frac{\lambda}{2n} \sum w^2

    Args:
        l2: λ, at least 0.
        num_examples: n, training examples.
        before: The old λ.

    Raises:
        ArgumentError: An argument lies outside its range.

    Example:
        >>> l2_change(0.5, 1000).code
        'loss = loss_fn(model(x), y) + justfit.l2_penalty(model, l2=0.5, num_examples=1000)'

    References:
        The lecture, C5 and C6.
    """
    _check("l2", l2, "It is λ of λ/(2n)·Σw²; 0 switches it off.")
    _check_count(num_examples)
    penalty = f" + justfit.l2_penalty(model, l2={l2:g}, num_examples={num_examples})" if l2 else ""
    return Change(
        kind="l2",
        where="loss",
        before=f"λ = {before:g}",
        after=f"λ = {l2:g}, a term λ/(2n)·Σw² with n = {num_examples}",
        code=f"loss = loss_fn(model(x), y){penalty}",
        why="Smaller weights fit less of what is particular to the examples."
        if l2 > before
        else "Larger weights can fit more of what the examples have in common.",
    )


def weight_decay_change(optimizer: str, l2: float, num_examples: int, *, before: float = 0.0) -> Change:
    r"""Say in words and code which `weight_decay` an L2 amounts to, without changing anything.

    .. math:: \frac{\partial}{\partial w} \frac{\lambda}{2n} \sum w^2 = \frac{\lambda}{n} w

    Optimizers that add `weight_decay` · w to the gradient (*coupled*: SGD, Adam, …) take the very steps of the L2 term
    with `weight_decay` = λ/n, but for biases and norm scales, which the term leaves out and `weight_decay` does not.
    AdamW shrinks the weights apart from the gradient (*decoupled*): no λ gives the same steps, and it is refused.

    Args:
        optimizer: Class name, such as "SGD".
        l2: λ, at least 0.
        num_examples: n, training examples.
        before: The old `weight_decay`.

    Raises:
        ArgumentError: An argument lies outside its range, or the optimizer's weight decay is not known to be coupled.

    Example:
        >>> change = weight_decay_change("SGD", 0.5, 1000)
        >>> change.code, change.after
        ('weight_decay=0.0005', 'coupled weight_decay = 0.0005, which is λ/n with λ = 0.5 and n = 1000')

    References:
        Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019, proposition 1. The lecture, C6.
    """
    _check("l2", l2, "It is λ of λ/(2n)·Σw²; 0 switches it off.")
    _check_count(num_examples)
    if optimizer not in COUPLED:
        raise ArgumentError(
            f"`optimizer` must be one whose weight decay enters the gradient: {', '.join(COUPLED)}.",
            found=f"`optimizer={optimizer!r}`",
            way_out="Add `justfit.l2_penalty` to the loss instead: that is exact under every optimizer.",
        )
    decay = l2 / num_examples
    return Change(
        kind="weight_decay",
        where="optimizer",
        before=f"coupled weight_decay = {before:.4g}",
        after=f"coupled weight_decay = {decay:.4g}, which is λ/n with λ = {l2:g} and n = {num_examples}",
        code=f"weight_decay={decay:.4g}",
        why="Smaller weights fit less of what is particular to the examples."
        if decay > before
        else "Larger weights can fit more of what the examples have in common.",
    )


def initialization_change(scheme: Scheme, seed: int | None = None) -> Change:
    """Say in words and code that a network is initialized by a scheme, without changing anything.

    Args:
        scheme: As in `initialize_`.
        seed: Of the draw; None leaves it out.

    Raises:
        ArgumentError: There is no such scheme.

    Example:
        >>> initialization_change("auto", seed=0).code
        "justfit.initialize_(model, x, scheme='auto', seed=0)"

    References:
        The lecture, C14 to C17.
    """
    if scheme not in SCHEMES:
        raise ArgumentError(
            f"`scheme` must be one of {', '.join(SCHEMES)}.",
            found=f"`scheme={scheme!r}`",
            way_out="For ReLU and its variants take he, for tanh xavier.",
        )
    batch = ", x" if scheme == "auto" else ""
    seeded = "" if seed is None else f", seed={seed}"
    return Change(
        kind="initialization",
        where="network",
        before="weights as built",
        after=f"weights by the scheme {scheme}",
        code=f"justfit.initialize_(model{batch}, scheme={scheme!r}{seeded})",
        why="Weights of the right size let signals and gradients through all layers.",
    )


def _check(name: str, value: float, way_out: str, *, least: float | None = None) -> None:
    """Refuse what is no finite number of at least 0; with `least`, what is not above it."""
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if is_number and (value >= 0 if least is None else value > least):
        return
    raise ArgumentError(
        f"`{name}` must be a finite number {'that is at least 0' if least is None else 'above 0'}.",
        found=f"`{name}={value!r}`",
        way_out=way_out,
    )


def _check_count(num_examples: int) -> None:
    if not isinstance(num_examples, Integral) or isinstance(num_examples, bool) or num_examples < 1:
        raise ArgumentError(
            "`num_examples` must be a whole number that is at least 1.",
            found=f"`num_examples={num_examples!r}`",
            way_out="It is the number of training examples, not the batch size.",
        )

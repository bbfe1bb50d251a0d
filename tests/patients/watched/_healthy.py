"""Healthy trainings of many kinds, none of which is to raise a warning."""

from collections.abc import Callable
from dataclasses import replace

from tests.patients.watched._recipes import Recipe

Variation = Callable[[Recipe], Recipe]


def with_sgd(recipe: Recipe) -> Recipe:
    """The same with SGD and momentum, at a learning rate at which the task is learned."""
    return replace(recipe, optimizer="sgd", lr=0.4 if recipe.task == "markov" else 0.05)


HEALTHY: dict[str, Variation] = {
    "as it is": lambda r: r,
    "cosine": lambda r: replace(r, schedule="cosine"),
    "warm-up": lambda r: replace(r, schedule="warmup"),
    "steps": lambda r: replace(r, schedule="steps"),
    "warm restarts": lambda r: replace(r, schedule="restarts"),
    "sgd": with_sgd,
    "adamw": lambda r: replace(r, optimizer="adamw", lr=3e-3),
    "clipped": lambda r: replace(with_sgd(r), clip=1.0),
    "small batches": lambda r: replace(r, batch_size=8, lr=r.lr / 2),
    "twice as long": lambda r: replace(r, num_steps=2 * r.num_steps),
    "half the learning rate": lambda r: replace(r, lr=r.lr / 2),
    "weight decay": lambda r: replace(r, optimizer="adamw", lr=3e-3, weight_decay=0.1),
}

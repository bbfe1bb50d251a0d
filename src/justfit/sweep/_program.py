"""Hundreds of variants as one program: grouped into chunks, trained in rounds, read out at any time.

How variants are packed into chunks never changes a result: random streams are named (`_streams`), and batched products
treat each variant on its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from justfit.cures import Scheme
from justfit.sweep._chunk import ChunkKernel, mask_values
from justfit.sweep._evaluation import per_example_losses
from justfit.sweep._feed import ChunkFeed
from justfit.sweep._layout import Layout
from justfit.sweep._modules import Parameters, initial_parameters, read_variant, write_variant
from justfit.sweep._packing import Packing, pack, variants_per_chunk
from justfit.sweep._problem import Problem, Recipe, Variant
from justfit.sweep._streams import DrawBlock, MaskStream


class TrainingChunk:
    """One kernel, its data feed, and which variants it holds."""

    def __init__(
        self,
        problem: Problem,
        recipe: Recipe,
        packing: Packing,
        *,
        variants: list[Variant],
        stream: MaskStream,
        initial: list[Parameters],
    ) -> None:
        self.problem = problem
        self.indices = packing.indices
        self.activation = recipe.activation
        self.data_groups = packing.data_groups
        layout = Layout(problem.inputs.shape[1], recipe.hidden, problem.num_outputs)
        dtype = problem.inputs.dtype
        flat = layout.blank(len(variants), dtype)
        for index, parameters in enumerate(initial):
            write_variant(layout, flat, index, parameters)
        num_rows = {fold: len(problem.training_rows(fold)) for fold, _ in packing.data_groups}
        self.kernel = ChunkKernel(
            layout,
            recipe,
            task=problem.task,
            flat=flat,
            l2_over_n_K=torch.tensor([v.l2 / num_rows[v.fold] for v in variants], dtype=torch.float64),
            num_data_groups=len(packing.data_groups),
            dropouts=packing.dropouts,
        )
        self.feed = ChunkFeed(problem, recipe, self.kernel, packing.data_groups, stream)

    def train_epoch(self, epoch: int, stop: threading.Event) -> None:
        """Run one epoch; return early, mid-epoch, once `stop` is set."""
        for batch, learning_rate in self.feed.steps(epoch):
            if stop.is_set():
                return
            self.kernel.step(batch, learning_rate)

    def losses(self, rows_of_fold: Callable[[int], Tensor]) -> list[Tensor]:
        """Per-example losses of each variant, in eval mode, on the rows its fold asks for."""
        result: list[Tensor] = []
        size = len(self.kernel.weights[0]) // len(self.data_groups)
        for number, (fold, _) in enumerate(self.data_groups):
            members = slice(number * size, (number + 1) * size)
            rows = rows_of_fold(fold)
            losses = per_example_losses(
                [weight[members] for weight in self.kernel.weights],
                [bias[members] for bias in self.kernel.biases],
                self.problem.inputs[rows],
                self.problem.targets[rows],
                activation=self.activation,
                task=self.problem.task,
            )
            result.extend(losses.unbind(0))
        return result

    def masks(self, position: int, epoch: int) -> list[Tensor | None]:
        """For each hidden layer, [B, units] true where the first step of an epoch keeps a unit; None: all of them."""
        batch, _ = next(self.feed.steps(epoch))
        if batch.masks is None:
            return [None] * len(self.kernel.layout.hidden)
        num_dropouts = len(self.kernel.dropouts)
        cell = position * len(self.data_groups) * num_dropouts // len(self.indices)
        group, column = divmod(cell, num_dropouts)
        kept, _ = mask_values(self.activation)
        return [None if layer is None else layer[group, column, 0] == kept for layer in batch.masks]


class Program:
    """Train many variants of one multilayer perceptron at once.

    Args:
        problem: Data and folds.
        recipe: How each variant is trained.
        variants: What to train; any mixture.
        max_chunk_variants: Upper bound of variants per chunk; None decides by memory. Never changes a result.
        num_threads: Chunks trained at the same time, each on one thread.
        initial: (weight_IO, bias_O) of each layer, for each variant; None draws them by seed and scheme.
        draw: Where the uniform numbers behind the masks come from, see `MaskStream`.
        evens: See `pack`. Never changes a result.
    """

    def __init__(
        self,
        problem: Problem,
        recipe: Recipe,
        variants: Sequence[Variant],
        *,
        max_chunk_variants: int | None = None,
        num_threads: int = 1,
        initial: Sequence[Parameters] | None = None,
        draw: DrawBlock | None = None,
        evens: bool = False,
    ) -> None:
        self.problem = problem
        self.recipe = recipe
        self.variants = tuple(variants)
        self.layout = Layout(problem.inputs.shape[1], recipe.hidden, problem.num_outputs)
        self.num_threads = num_threads
        self.epoch = 0
        limit = max_chunk_variants or variants_per_chunk(self.layout, problem, recipe)
        self._chunks: list[TrainingChunk] = []
        self._place: dict[int, tuple[int, int]] = {}
        stream = MaskStream(*mask_values(recipe.activation), problem.inputs.dtype, draw)
        initial = self._drawn() if initial is None else initial
        for packing in pack(self.variants, problem, recipe, limit, evens=evens):
            for position, index in enumerate(packing.indices):
                self._place[index] = (len(self._chunks), position)
            self._chunks.append(
                TrainingChunk(
                    problem,
                    recipe,
                    packing,
                    variants=[self.variants[index] for index in packing.indices],
                    stream=stream,
                    initial=[initial[index] for index in packing.indices],
                )
            )

    def advance(self, num_epochs: int, on_chunk_epoch: Callable[[], None] | None = None) -> None:
        """Train every variant for `num_epochs` more epochs.

        On KeyboardInterrupt the chunks stop at their next step and the interrupt is raised again; the variants are
        then not all equally far.

        Args:
            num_epochs: Epochs to add; the learning-rate schedule ends after `recipe.epochs` in all.
            on_chunk_epoch: Called after every finished (chunk, epoch), from any thread.
        """
        stop = threading.Event()
        for epoch in range(self.epoch, self.epoch + num_epochs):

            def work(chunk: TrainingChunk, epoch: int = epoch) -> None:
                chunk.train_epoch(epoch, stop)
                if on_chunk_epoch is not None and not stop.is_set():
                    on_chunk_epoch()

            self._run(work, stop)
            self.epoch = epoch + 1

    def losses(self, rows_of_fold: Callable[[int], Tensor]) -> list[Tensor]:
        """Per-example losses of every variant, in eval mode.

        Args:
            rows_of_fold: Gives the row numbers for a fold, such as `problem.validation_rows`.

        Returns:
            For each variant, in order, a tensor with one loss per row.
        """
        by_chunk: dict[int, list[Tensor]] = {}

        def work(chunk: TrainingChunk) -> None:
            by_chunk[id(chunk)] = chunk.losses(rows_of_fold)

        self._run(work, threading.Event())
        results = [by_chunk[id(chunk)] for chunk in self._chunks]
        places = [self._place[index] for index in range(len(self.variants))]
        return [results[chunk][position] for chunk, position in places]

    def module(self, index: int) -> nn.Sequential:
        """Copy one variant out as an ordinary PyTorch network, in eval mode."""
        chunk, position = self._place[index]
        kernel = self._chunks[chunk].kernel
        dropout = self.variants[index].dropout
        return read_variant(self.layout, kernel.flat, position, self.recipe.activation, dropout)

    def masks(self, index: int, epoch: int) -> list[Tensor | None]:
        """The dropout masks that one variant is trained with at the first step of an epoch.

        Args:
            index: Which variant.
            epoch: From 0.

        Returns:
            For each hidden layer, [B, units] booleans, true where a unit is kept; None where no unit is ever dropped.
        """
        chunk, position = self._place[index]
        return self._chunks[chunk].masks(position, epoch)

    def kernels(self) -> Iterator[tuple[ChunkKernel, list[int]]]:
        """The kernel of each chunk, and which variants it holds, in its order."""
        return ((chunk.kernel, chunk.indices) for chunk in self._chunks)

    @property
    def num_chunks(self) -> int:
        """How many chunks the variants were packed into."""
        return len(self._chunks)

    def _drawn(self) -> list[Parameters]:
        """Initial parameters of each variant: a function of seed and scheme alone."""
        drawn: dict[tuple[int, Scheme], Parameters] = {}
        dtype = self.problem.inputs.dtype
        for variant in self.variants:
            key = (variant.seed, variant.init)
            if key not in drawn:
                drawn[key] = initial_parameters(self.layout, self.recipe.activation, *key, dtype)
        return [drawn[(variant.seed, variant.init)] for variant in self.variants]

    def _run(self, work: Callable[[TrainingChunk], None], stop: threading.Event) -> None:
        def guarded(chunk: TrainingChunk) -> None:
            try:
                work(chunk)
            except BaseException:
                stop.set()  # at once, from whichever thread: the caller may still be waiting for an earlier chunk
                raise

        with one_torch_thread():
            if self.num_threads == 1 or len(self._chunks) == 1:
                for chunk in self._chunks:
                    guarded(chunk)
                return
            with ThreadPoolExecutor(self.num_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                futures = [pool.submit(guarded, chunk) for chunk in self._chunks]
                try:
                    for future in futures:
                        future.result()
                except BaseException:
                    stop.set()
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread per caller, so that sums are the same in every process; put the setting back."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""What a sweep gives back: the choice, what it is worth, and the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from justfit.records import CellRecord, ModuleSweepRecord, Shown
from justfit.report import render_module_sweep_text
from justfit.sweep._cell_frames import cells_frame, curves_frame
from justfit.sweep._loop import Network, default_generator_kept
from justfit.sweep._problem import NO_FOLD
from justfit.sweep._training import Setting, SweepVariant, Training, Unit

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class ChosenSetting:
    """A setting to train with, the number of epochs included.

    Attributes:
        l2: λ of λ/(2n)·Σw².
        dropout: p of every dropout site; None: as the network is built.
        learning_rate: Peak learning rate; None: the optimizer's own.
        init: Initialization scheme; None: as the network is built.
        epochs: Passes over the training rows.
    """

    l2: float
    dropout: float | None
    learning_rate: float | None
    init: str | None
    epochs: int


class SweepResult(Shown):
    """A finished sweep; made by `justfit.sweep`.

    Attributes:
        record: Everything measured and decided, without torch: `justfit.records.to_json` writes it.
    """

    def __init__(
        self,
        record: ModuleSweepRecord,
        settings: tuple[Setting, ...],
        training: Training,
        *,
        seed: int,
        has_folds: bool,
    ) -> None:
        self.record = record
        self._settings = settings
        self._training = training
        self._seed = seed
        self._fold = NO_FOLD if has_folds else 0
        self._models: dict[int, nn.Module] = {}

    @property
    def chosen(self) -> ChosenSetting:
        """The setting that the rule took."""
        return _setting_of(self.record.chosen_cell)

    @property
    def ridge(self) -> tuple[ChosenSetting, ...]:
        """The settings that cannot be told from the best, those first that are the best most often under resampling."""
        return tuple(_setting_of(cell) for cell in self.record.ridge)

    @property
    def confidence(self) -> float:
        """Share of resamples in which the chosen setting is within one paired standard error of their best."""
        return self.record.confidence

    @property
    def helps(self) -> bool:
        """The chosen setting beats the corner, the least regularized one, by 1.645 paired standard errors."""
        return self.record.helps

    @property
    def tier(self) -> str:
        """The program that trained: "batched", "vectorised" or "loop"."""
        return self.record.tier

    @property
    def tier_reason(self) -> str:
        """Why that program."""
        return self.record.tier_reason

    def model(self, seed: int | None = None) -> nn.Module:
        """Train the chosen setting on all training rows, for the chosen number of epochs.

        Args:
            seed: Of initial weights, batch order and masks; the sweep's first by default.

        Returns:
            The network, in eval mode; its dropout modules carry the chosen p. The same object for the same seed.
        """
        seed = self._seed if seed is None else seed
        if seed not in self._models:
            setting = self._settings[self.record.chosen]
            variant = SweepVariant(setting=setting, seed=seed, fold=self._fold)
            with default_generator_kept():
                network = Network(self._training, variant, None)
                network.train(Unit(variants=(variant,), tier="loop", until=self.chosen.epochs))
            self._models[seed] = _with_dropout(network.module, setting.dropout).eval()
        return self._models[seed]

    def to_frame(self) -> pl.DataFrame:
        """All cells, one row each: setting, loss, difference to the best, ridge, best epoch, why it was stopped."""
        return cells_frame(self.record)

    def curves_frame(self) -> pl.DataFrame:
        """All learning curves, one row for each cell and measured epoch."""
        return curves_frame(self.record)

    def summary(self, console: Console | None = None) -> None:
        """Print the choice, the ridge and what it cost.

        Args:
            console: Where; standard output by default.
        """
        from rich.console import Console

        render_module_sweep_text(self.record, console or Console())

    def __repr__(self) -> str:
        chosen = self.chosen
        values: dict[str, Any] = {"l2": f"{chosen.l2:g}"}
        for name in ("dropout", "learning_rate", "init"):
            value = getattr(chosen, name)
            if value is not None:
                values[name] = f"{value:g}" if isinstance(value, float) else repr(value)
        values |= {"epochs": chosen.epochs, "confidence": f"{self.confidence:.2f}", "helps": self.helps}
        return f"SweepResult({', '.join(f'{name}={value}' for name, value in values.items())})"


def _setting_of(cell: CellRecord) -> ChosenSetting:
    setting = cell.setting
    return ChosenSetting(setting.l2, setting.dropout, setting.learning_rate, setting.init, cell.best_epoch)


def _with_dropout(module: nn.Module, p: float | None) -> nn.Module:
    for part in module.modules():
        if p is not None and isinstance(part, nn.modules.dropout._DropoutNd):
            part.p = p
    return module

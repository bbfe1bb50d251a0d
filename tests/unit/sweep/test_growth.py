"""Which cells of the grid are trained."""

from justfit.sweep._axes import are_neighbours
from justfit.sweep._growth import coarse_cells
from tests.unit.sweep.curves import CurveExecutor, grid, make_schedule

L2 = (0.0, *(10.0**k for k in range(-4, 5)))
DROPOUT = (0.0, 0.2, 0.4, 0.6)


def test_coarse_cells_leave_nobody_without_a_neighbour():
    for axes in (grid(l2=L2, dropout=DROPOUT), grid(l2=L2[:7]), grid(l2=L2[:4], dropout=DROPOUT[:2])):
        cells = axes.cells()
        coarse = coarse_cells(cells)
        assert coarse[0] == 0
        assert len(cells) - 1 in coarse or axes.dropout == DROPOUT
        assert all(any(are_neighbours(cell, cells[k]) for k in coarse) for cell in cells)
    assert len(coarse_cells(grid(l2=L2, dropout=DROPOUT).cells())) == 12


def test_short_axes_are_trained_whole():
    cells = grid(l2=(0.0, 1.0, 10.0), dropout=(0.0, 0.5), init=(None, "he")).cells()
    assert coarse_cells(cells) == list(range(12))


def valley(lowest_l2, lowest_dropout):
    """Loss falls towards one cell, in grid steps."""

    def curve(setting, epoch):
        steps = abs(L2.index(setting.l2) - lowest_l2) + abs(DROPOUT.index(setting.dropout) - lowest_dropout)
        return 0.5 + 0.1 * steps + 1.0 / epoch

    return curve


def test_the_grid_grows_to_the_lowest_cell_wherever_it_is():
    for place in ((6, 3), (5, 1), (0, 0), (9, 2), (2, 3)):
        schedule = make_schedule(CurveExecutor(valley(*place)), grid(l2=L2, dropout=DROPOUT))
        assert schedule.run_grid()
        best = min((log for log in schedule.logs if log.seeds), key=lambda log: log.curve()[1][-1])
        assert best.cell.place[:2] == place
        trained = sum(bool(log.seeds) for log in schedule.logs)
        assert 12 < trained < 25
        assert schedule.done < 0.55 * schedule.plan.full_cost


def test_without_stopping_the_whole_grid_is_trained():
    schedule = make_schedule(CurveExecutor(valley(6, 3)), grid(l2=L2, dropout=DROPOUT), stops_early=False)
    assert schedule.run_grid()
    assert schedule.done == schedule.plan.full_cost
    assert all(log.epochs()[-1] == 12 for log in schedule.logs)


def test_the_grid_stops_growing_where_a_wave_found_nothing_better():
    """A plain after the second wave; where it still falls there is a third, see above."""

    def valley_with_flat_ground(setting, epoch):
        return max(valley(6, 2)(setting, epoch), 0.6 + 1.0 / epoch)

    executor = CurveExecutor(valley_with_flat_ground)
    schedule = make_schedule(executor, grid(l2=L2, dropout=DROPOUT))
    assert schedule.run_grid()
    falling = CurveExecutor(valley(6, 3))
    assert make_schedule(falling, grid(l2=L2, dropout=DROPOUT)).run_grid()
    assert num_waves(executor) == 2
    assert num_waves(falling) > 2


def num_waves(executor):
    """Waves start over at epoch 0, one after the other."""
    starts = [unit.state is None for unit in executor.units]
    return sum(now and not before for before, now in zip([False, *starts], starts, strict=False))

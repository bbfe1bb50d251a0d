"""One page by one maker, in a process of its own: numbers in as JSON or npz, an HTML file and its seconds out.

    PYTHON benchmarks/_pages_worker.py MAKER INPUT OUTPUT STARTED [AGAIN]

Runs in the environment of the maker, so it imports nothing of the project but for the maker `justfit`. STARTED is
`time.time()` at the start of the process; AGAIN, how many more times the page is rendered. The last line printed is the
answer; {"missing": NAME} where a package is not installed.
"""

import importlib.metadata
import json
import sys
import time
from pathlib import Path


def by_justfit(path):
    """The page of a stored record; torch is not loaded."""
    from justfit.report import load_records, render_page

    (record,) = load_records(path).records
    return lambda: render_page(record)


def by_plotly(path):
    """plotly.js as a whole in the file, the way its documentation makes a page that needs no network."""
    import plotly.io

    content = json.loads(path.read_text())
    return lambda: plotly.io.to_html(plotly_figure(content), include_plotlyjs=True)


def by_plotly_cartesian(path):
    """The partial bundle of plotly.js for x–y charts, which plotly.py does not ship, written into the file by hand."""
    import plotly.io

    content = json.loads(path.read_text())
    script = (Path(sys.prefix) / "cartesian/package/plotly-cartesian.min.js").read_text()

    def render():
        figure = plotly.io.to_html(plotly_figure(content), include_plotlyjs=False, full_html=False)
        head = f'<head><meta charset="utf-8"><title>Sweep</title><script>{script}</script></head>'
        return f"<!DOCTYPE html><html>{head}<body>{figure}</body></html>"

    return render


def plotly_figure(content):
    from plotly import graph_objects
    from plotly.subplots import make_subplots

    figure = make_subplots(2, 1, subplot_titles=("Learning curves", "Validation loss"))
    for cell in content["cells"]:
        for kind, dash in (("train", "dot"), ("validation", "solid")):
            name = f"{kind}, λ = {cell['l2']:.3g}, p = {cell['dropout']:.2g}"
            line = graph_objects.Scatter(x=cell["epochs"], y=cell[kind], name=name, mode="lines", line={"dash": dash})
            figure.add_trace(line, row=1, col=1)
    heat = graph_objects.Heatmap(
        x=[f"{p:.2g}" for p in content["dropout"]],
        y=[f"{l2:.3g}" for l2 in content["l2"]],
        z=content["loss"],
        customdata=content["loss_se"],
        hovertemplate="p %{x}, λ %{y}: %{z:.3g} ± %{customdata:.2g}",
        colorscale="Cividis",
        colorbar={"title": content["unit"], "len": 0.45, "y": 0.2},
    )
    figure.add_trace(heat, row=2, col=1)
    figure.update_xaxes(title_text="epoch", row=1, col=1)
    figure.update_yaxes(title_text=content["unit"], row=1, col=1)
    figure.update_xaxes(title_text="dropout", row=2, col=1)
    figure.update_yaxes(title_text="λ", row=2, col=1)
    return figure.update_layout(height=1000, showlegend=False)  # forty names cover the map; hovering tells them


def by_bokeh(path):
    from bokeh.embed import file_html
    from bokeh.layouts import column
    from bokeh.models import HoverTool
    from bokeh.plotting import figure
    from bokeh.resources import INLINE
    from bokeh.transform import linear_cmap

    content = json.loads(path.read_text())

    def render():
        curves = figure(
            title="Learning curves", x_axis_label="epoch", y_axis_label=content["unit"], width=900, height=450
        )
        for kind, dash in (("train", "dotted"), ("validation", "solid")):
            source = {
                "xs": [cell["epochs"] for cell in content["cells"]],
                "ys": [cell[kind] for cell in content["cells"]],
                "l2": [cell["l2"] for cell in content["cells"]],
                "dropout": [cell["dropout"] for cell in content["cells"]],
            }
            curves.multi_line("xs", "ys", source=source, line_dash=dash, legend_label=kind)
        curves.add_tools(HoverTool(tooltips=[("λ", "@l2"), ("p", "@dropout"), ("loss", "$y")]))
        rows = list(flat_map(content))
        l2, dropout = ([f"{value:.3g}" for value in content[axis]] for axis in ("l2", "dropout"))
        heat = figure(
            title="Validation loss", x_range=dropout, y_range=l2, x_axis_label="dropout", y_axis_label="λ",
            width=900, height=450, tooltips=[("loss", "@loss ± @se")],
        )  # fmt: skip
        losses = [row["loss"] for row in rows]
        drawn = heat.rect(
            "x", "y", 1, 1, fill_color=linear_cmap("loss", "Cividis256", min(losses), max(losses)), line_color=None,
            source={
                "x": [f"{row['dropout']:.3g}" for row in rows], "y": [f"{row['l2']:.3g}" for row in rows],
                "loss": losses, "se": [row["se"] for row in rows],
            },
        )  # fmt: skip
        heat.add_layout(drawn.construct_color_bar(title=content["unit"]), "right")
        return file_html(column(curves, heat), INLINE, "Sweep")

    return render


def by_altair(path):
    import altair as alt
    import vl_convert  # noqa: F401  (what `inline=True` needs)

    content = json.loads(path.read_text())

    def render():
        curve_rows = [
            {"epoch": epoch, "loss": loss, "of": kind, "cell": f"λ = {cell['l2']:.3g}, p = {cell['dropout']:.2g}"}
            for cell in content["cells"]
            for kind in ("train", "validation")
            for epoch, loss in zip(cell["epochs"], cell[kind], strict=True)
        ]
        curves = alt.Chart(alt.InlineData(values=curve_rows), title="Learning curves").mark_line().encode(
            x="epoch:Q", y=alt.Y("loss:Q", title=content["unit"]), color=alt.Color("cell:N"), strokeDash="of:N",
            tooltip=["cell:N", "of:N", "epoch:Q", "loss:Q"],
        )  # fmt: skip
        heat = alt.Chart(alt.InlineData(values=list(flat_map(content))), title="Validation loss").mark_rect()
        heat = heat.encode(
            x="dropout:O", y=alt.Y("l2:O", title="λ"),
            color=alt.Color("loss:Q", title=content["unit"], scale=alt.Scale(scheme="cividis")),
            tooltip=["l2:Q", "dropout:Q", "loss:Q", "se:Q"],
        )  # fmt: skip
        return alt.vconcat(curves, heat).resolve_scale(color="independent").to_html(inline=True)

    return render


def flat_map(content):
    for i, l2 in enumerate(content["l2"]):
        for j, dropout in enumerate(content["dropout"]):
            yield {"l2": l2, "dropout": dropout, "loss": content["loss"][i][j], "se": content["loss_se"][i][j]}


def profile(path, **settings):
    import pandas as pd
    from data_profiling import ProfileReport

    table = pd.read_csv(path)
    return lambda: ProfileReport(table, progress_bar=False, pool_size=1, **settings).to_html()


def by_profiling(path):
    return profile(path)


def by_profiling_minimal(path):
    return profile(path, minimal=True)


def by_plotly_naive(path):
    """Every number of every series: no bins, no thinning; WebGL lines, as plotly.express takes for so many points."""
    import numpy as np
    import plotly.io
    from plotly import graph_objects
    from plotly.subplots import make_subplots

    series = dict(np.load(path))
    lines = sorted({name.split("/")[0] for name in series if name.endswith("/y")})

    def render():
        figure = make_subplots(2, 1) if "map" in series else graph_objects.Figure()
        for name in lines:
            figure.add_trace(
                graph_objects.Scattergl(x=series[f"{name}/x"], y=series[f"{name}/y"], name=name, mode="lines")
            )
        if "map" in series:
            figure.add_trace(graph_objects.Heatmap(z=series["map"], colorscale="Cividis"), row=2, col=1)
        return plotly.io.to_html(figure, include_plotlyjs=True)

    return render


MAKERS = {
    "justfit": (by_justfit, ()),
    "plotly": (by_plotly, ("plotly",)),
    "plotly, cartesian bundle": (by_plotly_cartesian, ("plotly",)),
    "bokeh": (by_bokeh, ("bokeh",)),
    "altair": (by_altair, ("altair", "vl-convert-python")),
    "fg-data-profiling": (by_profiling, ("fg-data-profiling",)),
    "fg-data-profiling, minimal": (by_profiling_minimal, ("fg-data-profiling",)),
    "plotly, every number": (by_plotly_naive, ("plotly",)),
}


def timed(function):
    wall, cpu = time.perf_counter(), time.process_time()
    made = function()
    return made, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def main():
    maker, source, place, started = sys.argv[1:5]
    prepare, packages = MAKERS[maker]
    try:
        render = prepare(Path(source))
        html, first = timed(render)
    except (ImportError, FileNotFoundError) as error:
        print(json.dumps({"missing": str(error)}))
        return
    Path(place).write_text(html, encoding="utf-8")
    # From the start of the process to the file, interpreter and imports included.
    whole = {"wall": time.time() - float(started), "cpu": time.process_time()}
    again = [timed(render)[1] for _ in range(int(sys.argv[5]))] if len(sys.argv) > 5 else []
    versions = {package: importlib.metadata.version(package) for package in packages}
    answer = {"whole": whole, "first": first, "again": again, "versions": versions, "torch": "torch" in sys.modules}
    print("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()

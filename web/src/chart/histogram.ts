// A histogram with bins of equal width; the first and the last may also hold what lies beyond.
import { svg } from "../dom";
import { number, setting } from "../number";
import { axis, type Box, frame } from "./axes";

export interface HistogramOptions {
  title: string;
  description?: string;
  xTitle: string;
  yTitle: string;
  low: number;
  high: number;
  /** Height of the y axis, so that histograms can be compared; the largest count without it. */
  most?: number;
  width?: number;
  height?: number;
}

/** Draw counts into `target`, in place of what stood there. */
export function drawHistogram(target: SVGSVGElement, counts: number[], options: HistogramOptions): void {
  const width = options.width ?? 420;
  const height = options.height ?? 220;
  const box: Box = { left: 46, top: 30, right: width - 10, bottom: height - 44 };
  const across = axis([], box.left, box.right, { domain: [options.low, options.high] });
  const most = options.most ?? Math.max(...counts, 1);
  const up = axis([], box.bottom, box.top, { domain: [0, most * 1.05], most: 4 });
  target.setAttribute("viewBox", `0 0 ${width} ${height}`);
  target.setAttribute("role", "img");
  target.setAttribute("aria-label", options.title);
  const step = (options.high - options.low) / Math.max(counts.length, 1);
  const bars = counts.map((count, k) => {
    const from = options.low + k * step;
    const [left, right, top] = [across.position(from), across.position(from + step), up.position(count)];
    const words = `${setting(Number(from.toPrecision(3)))} to ${setting(Number((from + step).toPrecision(3)))}: ${number(count)}`;
    return svg(
      "rect",
      {
        x: left + 0.5,
        y: top,
        width: Math.max(right - left - 1, 0.5),
        height: Math.max(box.bottom - top, 0),
        class: "bar",
      },
      svg("title", {}, words),
    );
  });
  target.replaceChildren(
    svg("title", {}, options.title),
    ...(options.description ? [svg("desc", {}, options.description)] : []),
    frame(box, across, up, { x: options.xTitle, y: options.yTitle }),
    ...bars,
  );
}

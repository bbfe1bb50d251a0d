// Little pictures of the data sets for their buttons. They are signs, not data: the server draws the real examples.

type Point = [x: number, y: number, target: number];

const COUNT = 110;

/** Points in the unit square around 0, by data set; a table's button has a sign of its own. */
export function signOf(name: string): Point[] {
  const drawPoint = SIGNS[name];
  if (!drawPoint) return [];
  const points: Point[] = [];
  for (let i = 0; i < COUNT; i += 1)
    points.push(drawPoint(fraction(i, 0.754877), fraction(i, 0.569841), i % 2));
  return points;
}

/** A sequence that fills the unit interval evenly: the picture is the same each time. */
const fraction = (index: number, step: number) => (0.5 + index * step) % 1;

const SIGNS: Record<string, (a: number, b: number, target: number) => Point> = {
  moons: (a, b, target) => {
    const angle = Math.PI * a;
    const spread = 0.16 * (b - 0.5);
    const [x, y] = target
      ? [0.5 - Math.cos(angle) * 0.95, 0.25 - Math.sin(angle) * 0.95]
      : [Math.cos(angle) * 0.95 - 0.5, Math.sin(angle) * 0.95 - 0.25];
    return [0.62 * x, 0.8 * (y + spread), target];
  },
  circles: (a, b, target) => {
    const radius = (target ? 0.36 : 0.82) + 0.16 * (b - 0.5);
    return [radius * Math.cos(2 * Math.PI * a), radius * Math.sin(2 * Math.PI * a), target];
  },
  xor: (a, b) => {
    const [x, y] = [1.7 * (a - 0.5), 1.7 * (b - 0.5)];
    return [x + 0.06 * Math.sign(x), y + 0.06 * Math.sign(y), x * y > 0 ? 1 : 0];
  },
  spiral: (a, b, target) => {
    const radius = 0.08 + 0.82 * a;
    const angle = 4.4 * a + (target ? Math.PI : 0) + 0.16 * (b - 0.5);
    return [radius * Math.sin(angle), radius * Math.cos(angle), target];
  },
  gauss: (a, b, target) => {
    const radius = 0.26 * Math.sqrt(-2 * Math.log(1 - 0.93 * a));
    const middle = target ? 0.42 : -0.42;
    return [
      middle + 0.75 * radius * Math.cos(2 * Math.PI * b),
      middle + 0.75 * radius * Math.sin(2 * Math.PI * b),
      target,
    ];
  },
};

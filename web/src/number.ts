// Numbers as the report writes them.

export type Num = number | null;

/** True for a number that can be drawn. */
export function isNumber(value: Num | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** Three significant digits: 0.0123, 1.23, 123, 1.2e-5; a dash for what is no number. */
export function number(value: Num | undefined, digits = 3): string {
  if (!isNumber(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(digits - 1).replace("e+", "e");
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toFixed(Math.min(decimals, 20));
}

/** A setting, without trailing zeros: 0.3, 10, 1e-5. */
export function setting(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e5
    ? value.toExponential(3).replace(/\.?0+e\+?/, "e")
    : String(Number(value.toPrecision(4)));
}

/** A share as a percentage. */
export function percent(value: Num | undefined): string {
  return isNumber(value) ? `${number(100 * value, value < 0.1 ? 2 : 3)} %` : "–";
}

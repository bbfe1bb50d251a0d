/** Numbers as a reader wants them: three figures, a real minus sign, powers of ten where they are needed. */

const MINUS = "\u2212";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function figures(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)) + 1e-12);
  if (exponent >= 5 || exponent < -3) return scientific(value, digits - 1);
  const decimals = Math.max(0, digits - 1 - exponent);
  return value.toFixed(decimals).replace("-", MINUS);
}

/** A setting as it was typed: 0.03, 1, 100. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(6))).replace("-", MINUS);
}

export function whole(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

function scientific(value: number, decimals: number): string {
  const [mantissa = "", exponent = "0"] = value.toExponential(Math.max(0, decimals - 1)).split("e");
  const power = Number(exponent);
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `${mantissa.replace("-", MINUS)} × 10${power < 0 ? "⁻" : ""}${digits}`;
}

/** The mean factor from each of a row of positive numbers to the next; null where one is missing or zero. */
export function meanFactor(values: readonly (number | null)[]): number | null {
  const first = values[0];
  const last = values[values.length - 1];
  if (values.length < 2 || !first || !last || first <= 0 || last <= 0) return null;
  return (last / first) ** (1 / (values.length - 1));
}

// Numbers as the report writes them (report/_numbers.py): as many digits as they deserve, a true minus sign.

export type Num = number | null;

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const MINUS = "−";

/** True for a number that can be drawn. */
export function isNumber(value: Num | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** `digits` significant digits, plain between 0.0001 and a million, powers of ten beyond; a dash without a number. */
export function number(value: Num | undefined, digits = 3): string {
  if (!isNumber(value)) return "–";
  if (Math.abs(value) < 1e-300) return "0";
  const size = Number(toEven(Math.abs(value), "toExponential", digits - 1));
  const exponent = Math.floor(Math.log10(size));
  const sign = value < 0 ? MINUS : "";
  if (exponent >= 6 || exponent < -4)
    return `${sign}${toEven(size / 10 ** exponent, "toFixed", digits - 1)}${power(exponent)}`;
  return `${sign}${toEven(Math.abs(value), "toFixed", Math.max(digits - 1 - exponent, 0))}`;
}

/** A number that was set, not measured: without trailing zeros. */
export function setting(value: number, digits = 3): string {
  const [mantissa = "", tens] = number(value, digits).split("·");
  const trimmed = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  if (tens === undefined) return trimmed;
  return trimmed === "1" ? tens : `${trimmed}·${tens}`;
}

/** A number with its standard error, rounded to the digits that the error leaves. */
export function withSe(value: Num | undefined, se: Num | undefined, unit = ""): string {
  if (!isNumber(value) || !isNumber(se) || se <= 0) return withUnit(number(value), unit);
  const size = Math.floor(Math.log10(Math.max(Math.abs(value), se)));
  if (size >= 6 || size < -4) {
    const scale = 10 ** size;
    return withUnit(`(${withSe(value / scale, se / scale)})${power(size)}`, unit);
  }
  const exponent = Math.floor(Math.log10(se));
  const decimals = Math.max(0, -exponent + (se / 10 ** exponent < 3.55 ? 1 : 0));
  const shown = toEven(Math.abs(value), "toFixed", decimals);
  const sign = value < 0 && Number(shown) !== 0 ? MINUS : "";
  return withUnit(`${sign}${shown}\u00a0±\u00a0${toEven(se, "toFixed", decimals)}`, unit);
}

/** A share as a percentage. */
export function percent(share: Num | undefined): string {
  if (!isNumber(share)) return "–";
  const hundred = 100 * share;
  return `${hundred > 0 && hundred < 0.95 ? number(hundred, 1) : hundred.toFixed(hundred < 9.95 ? 1 : 0)}\u00a0%`;
}

const FURTHER = 40; // digits: what is a half to so many is a half
const MOST_DIGITS = 100; // that a browser writes

// An exact half goes to the even digit, as where Python rounds; by themselves both forms go up.
function toEven(value: number, form: "toFixed" | "toExponential", digits: number): string {
  if (digits > FURTHER) return value[form](Math.min(digits, MOST_DIGITS));
  const [exact = "", tens] = value[form](digits + FURTHER).split("e");
  const kept = exact.slice(0, -FURTHER).replace(/\.$/, "");
  if (!/^50*$/.test(exact.slice(-FURTHER)) || /[13579]$/.test(kept)) return value[form](digits);
  return tens === undefined ? kept : `${kept}e${tens}`;
}

function withUnit(text: string, unit: string): string {
  return unit ? `${text}\u00a0${unit}` : text;
}

function power(exponent: number): string {
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? "");
  return `·10${exponent < 0 ? "⁻" : ""}${digits}`;
}

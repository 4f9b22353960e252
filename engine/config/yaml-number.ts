// Numbers of YAML that a double, and so JSON, can't hold as they are written.

/** What is wrong with a number, and what to write instead; undefined if its value is exactly what the text says. */
export function numberMistake(source: string, value: number): { message: string; hint: string } | undefined {
  const quote = `Quote it, \`"${source}"\`, to pass it as text`;
  if (!Number.isFinite(value)) {
    const message = /\d/.test(source)
      ? `The number ${source} is too large.`
      : `${source} is not a number that JSON can hold.`;
    return { message, hint: `${quote}.` };
  }
  if (/^[-+]?0[0-9]+$/.test(source))
    return {
      message: `${source} is ambiguous: ${value} in YAML 1.2, but octal in YAML 1.1.`,
      hint: `Write ${value}, or 0o… for an octal number. ${quote}.`,
    };
  if (Object.is(value, -0))
    return { message: `JSON can't tell ${source} from 0.`, hint: `Write 0. ${quote}.` };
  if (/^([-+]?\d+|0[xo][\da-f]+)$/i.test(source)) {
    if (Number.isSafeInteger(value)) return undefined;
    return {
      message: `The integer ${source} is beyond ±(2^53 − 1), so it would be rounded.`,
      hint: `${quote}.`,
    };
  }
  if (sameDecimal(source, value)) return undefined;
  return {
    message: `The number ${source} has more digits than a double holds; it would be rounded to ${value}.`,
    hint: `Write ${value}. ${quote}.`,
  };
}

/** Whether a decimal fraction is what the shortest text of its double says. */
function sameDecimal(source: string, value: number): boolean {
  const [digits, exponent] = normalized(source);
  const [shortDigits, shortExponent] = normalized(String(value));
  return digits === shortDigits && exponent === shortExponent;
}

/** Digits without zeros at either end, and the power of ten of the last. */
function normalized(text: string): [digits: string, exponent: number] {
  const [mantissa = '', power = '0'] = text.replace(/^[-+]/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return ['', 0];
  return [digits, Number(power) - fraction.length + (all.length - digits.length)];
}

const romanNumerals: readonly (readonly [number, string])[] = [
  [1000, 'M'], [900, 'CM'], [500, 'D'], [400, 'CD'], [100, 'C'], [90, 'XC'],
  [50, 'L'], [40, 'XL'], [10, 'X'], [9, 'IX'], [5, 'V'], [4, 'IV'], [1, 'I'],
]; // prettier-ignore

// Beyond this a Roman numeral or a row of letters is longer than a line.
const largestWritten = 4_000;

/** A list's number as Word shows it in a format of ST_NumberFormat (ISO/IEC 29500-1, 17.18.59); in others as digits. */
export function formatListNumber(number: number, format: string): string {
  if (number < 1 || number > largestWritten) return String(number);
  if (format === 'upperRoman') return roman(number);
  if (format === 'lowerRoman') return roman(number).toLowerCase();
  if (format === 'upperLetter') return letters(number);
  if (format === 'lowerLetter') return letters(number).toLowerCase();
  if (format === 'decimalZero') return String(number).padStart(2, '0');
  return String(number);
}

function roman(number: number): string {
  let rest = number;
  let text = '';
  for (const [value, numeral] of romanNumerals) {
    for (; rest >= value; rest -= value) text += numeral;
  }
  return text;
}

// After Z come AA, BB, CC.
function letters(number: number): string {
  const letter = String.fromCodePoint(65 + ((number - 1) % 26));
  return letter.repeat(Math.floor((number - 1) / 26) + 1);
}

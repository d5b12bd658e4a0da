import { Decimal } from 'decimal.js';

/** Thrown for what is no expression or has no value; the message says what is wrong and where. */
export class CalculationError extends Error {}

// Sums and products of up to 40 digits are exact; the bounds of the exponent keep every step cheap.
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_EVEN, minE: -10_000, maxE: 10_000 });
const longest = 2_000;
const deepest = 100;
const mostFactorial = 1_000;

type Value = Decimal;
type Function = { least: number; most: number; run(values: readonly Value[]): Value };

const constants: Record<string, () => Value> = { pi: () => Exact.acos(-1), e: () => Exact.exp(1) };

const one = (run: (value: Value) => Value): Function => ({ least: 1, most: 1, run: ([value]) => run(value!) });
const functions: Record<string, Function> = {
  abs: one((value) => value.abs()),
  sqrt: one((value) => value.sqrt()),
  exp: one((value) => value.exp()),
  ln: one((value) => value.ln()),
  floor: one((value) => value.floor()),
  ceil: one((value) => value.ceil()),
  sin: one((value) => value.sin()),
  cos: one((value) => value.cos()),
  tan: one((value) => value.tan()),
  log: { least: 1, most: 2, run: ([value, base]) => value!.log(base ?? 10) },
  round: { least: 1, most: 2, run: ([value, digits]) => roundTo(value!, digits) },
  min: { least: 1, most: 100, run: (values) => Exact.min(...values) },
  max: { least: 1, most: 100, run: (values) => Exact.max(...values) },
  sum: { least: 1, most: 100, run: (values) => values.reduce((sum, value) => sum.plus(value)) },
  avg: {
    least: 1,
    most: 100,
    run: (values) => values.reduce((sum, value) => sum.plus(value)).div(values.length),
  },
};

/**
 * The value of an expression in decimal arithmetic of 40 digits: `+ - * / % ^`, `!`, parentheses, `pi`, `e` and the usual
 * functions (angles in radians). `%` is the remainder, with the sign of the dividend; `^` binds from the right and more
 * than a sign before it.
 * @throws CalculationError
 */
export function calculate(expression: string): string {
  if (expression.length > longest)
    throw new CalculationError(`The expression has ${expression.length} characters; ${longest} are the most.`);
  const value = new Parser(expression).parse();
  if (value.isNaN()) throw new CalculationError('The expression has no value among the real numbers.');
  if (!value.isFinite()) throw new CalculationError('The value is too large, or something is divided by zero.');
  return value.abs().gte('1e40') || (!value.isZero() && value.abs().lt('1e-20')) ? value.toString() : value.toFixed();
}

/** A recursive-descent parser that computes while it reads; it runs nothing that the text says. */
class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Value {
    const value = this.#sum();
    this.#skip();
    if (this.#at < this.#text.length) throw this.#unexpected('an operator');
    return value;
  }

  #sum(): Value {
    if ((this.#depth += 1) > deepest)
      throw new CalculationError(`The expression is nested deeper than ${deepest} levels.`);
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value = value.plus(this.#product());
      else if (this.#take('-', '−')) value = value.minus(this.#product());
      else break;
    }
    this.#depth -= 1;
    return value;
  }

  #product(): Value {
    let value = this.#signed();
    for (;;) {
      if (this.#take('*', '×', '·')) value = value.times(this.#signed());
      else if (this.#take('/', '÷')) value = this.#divided(value, this.#signed());
      else if (this.#take('%')) value = value.mod(this.#signed());
      else return value;
    }
  }

  #divided(value: Value, by: Value): Value {
    if (by.isZero()) throw new CalculationError('Something is divided by zero.');
    return value.div(by);
  }

  #signed(): Value {
    let isNegative = false;
    for (;;) {
      if (this.#take('-', '−')) isNegative = !isNegative;
      else if (!this.#take('+')) break;
    }
    const value = this.#power();
    return isNegative ? value.neg() : value;
  }

  #power(): Value {
    const base = this.#postfix();
    if (!this.#take('^', '**')) return base;
    if ((this.#depth += 1) > deepest)
      throw new CalculationError(`The expression is nested deeper than ${deepest} levels.`);
    const value = base.pow(this.#signed());
    this.#depth -= 1;
    return value;
  }

  #postfix(): Value {
    let value = this.#atom();
    while (this.#take('!')) value = factorial(value);
    return value;
  }

  #atom(): Value {
    if (this.#take('(')) {
      const value = this.#sum();
      this.#require(')');
      return value;
    }
    const number = this.#match(/(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d{1,6})?/y);
    if (number !== null) return new Exact(number.replaceAll('_', ''));
    const name = this.#match(/[A-Za-zπ][A-Za-z0-9]*/y);
    if (name === null) throw this.#unexpected();
    return this.#named(name === 'π' ? 'pi' : name.toLowerCase());
  }

  #named(name: string): Value {
    if (Object.hasOwn(constants, name)) return constants[name]!();
    if (!Object.hasOwn(functions, name)) {
      const known = [...Object.keys(functions), ...Object.keys(constants)].join(', ');
      throw new CalculationError(`"${name}" is neither a function nor a constant: there are ${known}.`);
    }
    this.#require('(');
    const values = [this.#sum()];
    while (this.#take(',', ';')) values.push(this.#sum());
    this.#require(')');
    const { least, most, run } = functions[name]!;
    if (values.length < least || values.length > most)
      throw new CalculationError(`${name} takes ${least === most ? least : `${least} to ${most}`} numbers.`);
    return run(values);
  }

  #take(...tokens: string[]): boolean {
    this.#skip();
    const token = tokens.find((each) => this.#text.startsWith(each, this.#at));
    // The power may be written by two stars, which are no two products.
    if (token === undefined || (token === '*' && this.#text.startsWith('**', this.#at))) return false;
    this.#at += token.length;
    return true;
  }

  #require(token: string): void {
    if (!this.#take(token)) throw this.#unexpected(`"${token}"`);
  }

  #match(pattern: RegExp): string | null {
    this.#skip();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #skip(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #unexpected(wanted = 'a number'): CalculationError {
    const found = this.#at < this.#text.length ? `"${this.#text.slice(this.#at, this.#at + 10)}"` : 'the end';
    const place = `at character ${this.#at + 1}`;
    return new CalculationError(`There is ${found} ${place} where ${wanted} was expected.`);
  }
}

function factorial(value: Value): Value {
  if (!value.isInteger() || value.isNegative() || value.gt(mostFactorial))
    throw new CalculationError(`A factorial is of a whole number from 0 to ${mostFactorial}.`);
  let product: Value = new Exact(1);
  for (let factor = value.toNumber(); factor > 1; factor -= 1) product = product.times(factor);
  return product;
}

function roundTo(value: Value, digits: Value | undefined): Value {
  const places = digits?.toNumber() ?? 0;
  if (!Number.isInteger(places) || places < 0 || places > 100)
    throw new CalculationError('round takes a number and 0 to 100 digits.');
  // As people round: a half goes away from zero.
  return value.toDecimalPlaces(places, Decimal.ROUND_HALF_UP);
}

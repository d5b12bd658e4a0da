/** How the items of a run are laid out: variant by variant, repetition by repetition, case by case. */
type Layout = {
  readonly cases: number;
  readonly repetitions: number;
  readonly variants: readonly string[];
};

/** A block of items in words for whoever watches: `Cases 1–25 of 1,000, variant 2 of 3, repetition 1`. Both ends from 0. */
export function describeBlock({ from, to }: { from: number; to: number }, layout: Layout): string {
  const { cases, repetitions, variants } = layout;
  const round = (ordinal: number): number => Math.floor(ordinal / cases);
  const first = round(from);
  const last = round(to - 1);
  const place = (ordinal: number): string => grouped((ordinal % cases) + 1);
  const shown =
    first === last
      ? `Cases ${place(from)}–${place(to - 1)} of ${grouped(cases)}`
      : `Cases ${place(from)} to the end of ${grouped(cases)}, and from the first to ${place(to - 1)}`;
  const parts = [
    variants.length > 1 ? `variant ${Math.floor(first / repetitions) + 1} of ${variants.length}` : '',
    repetitions > 1 ? `repetition ${(first % repetitions) + 1} of ${repetitions}` : '',
  ];
  return [shown, ...parts.filter((part) => part !== '')].join(', ');
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

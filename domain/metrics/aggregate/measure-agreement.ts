/** How often two judges say the same; `kappa` is null when chance alone would make them agree always. */
export type Agreement = {
  readonly cases: number;
  readonly agreed: number;
  readonly accuracy: number | null;
  readonly kappa: number | null;
  /** How often each pair of decisions came, by label and decision. */
  readonly table: Readonly<Record<'yesYes' | 'yesNo' | 'noYes' | 'noNo', number>>;
};

/**
 * How far a judge's decisions agree with labels that people gave: their share, and Cohen's kappa, which takes away what
 * chance would agree on (Cohen, "A Coefficient of Agreement for Nominal Scales", 1960).
 */
export function measureAgreement(pairs: readonly { readonly label: boolean; readonly decision: boolean }[]): Agreement {
  const count = (label: boolean, decision: boolean) =>
    pairs.filter((pair) => pair.label === label && pair.decision === decision).length;
  const table = {
    yesYes: count(true, true),
    yesNo: count(true, false),
    noYes: count(false, true),
    noNo: count(false, false),
  };
  const cases = pairs.length;
  const agreed = table.yesYes + table.noNo;
  if (cases === 0) return { cases, agreed, accuracy: null, kappa: null, table };
  const labelled = (table.yesYes + table.yesNo) / cases;
  const decided = (table.yesYes + table.noYes) / cases;
  const byChance = labelled * decided + (1 - labelled) * (1 - decided);
  const accuracy = agreed / cases;
  return { cases, agreed, accuracy, kappa: byChance === 1 ? null : (accuracy - byChance) / (1 - byChance), table };
}

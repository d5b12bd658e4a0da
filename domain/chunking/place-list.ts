import { strengths, weakestSection } from './text-structure.ts';

/** Collects the places where a text may be cut, in ascending order. */
export class PlaceList {
  readonly positions: number[] = [];
  readonly values: number[] = [];
  private glued = false;

  /** Adds a place; at one that is there already the better strength holds. A place after a heading is a bad one. */
  mark(position: number, strength: number): void {
    const last = this.positions.length - 1;
    const value = this.glued && strength < weakestSection ? strengths.afterHeading : strength;
    if (last >= 0 && this.positions[last] === position) this.values[last] = Math.max(this.values[last]!, value);
    else {
      this.positions.push(position);
      this.values.push(value);
    }
    this.glued = false;
  }

  /** Says that what was added last is a heading. */
  glueNext(): void {
    this.glued = true;
  }

  /** Takes back all places after the one with this index, and gives that one a new strength. */
  endWith(index: number, strength: number): void {
    this.values[index] = strength;
    this.positions.length = index + 1;
    this.values.length = index + 1;
  }

  /** Takes back the last place if it is this one. */
  removeLast(position: number): void {
    if (this.positions.at(-1) !== position) return;
    this.positions.pop();
    this.values.pop();
  }
}

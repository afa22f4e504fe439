import type { Other } from "./other";
// A shop, with everything in it that a body can be.
export interface Item { name: string; price(): number }
export type Maker = (n: number) => number;
export const rate: Maker = (n: number): number => n * 2;
export function over(n: number): number;
export function over(n: string): string;
export function over(n: any): any { return n; }
export abstract class Shop<T extends Item> {
  private readonly items: T[];
  constructor(items: T[], protected name = "x") {
    this.items = items;
  }
  abstract left(): number;
  get size(): number { return this.items.length; }
  find(name: string): T | undefined {
    return this.items.find((item): boolean => item.name === name);
  }
  isItem(thing: unknown): thing is Item { return !!thing; }
  async later(): Promise<string[]> { return this.items.map((item) => item.name); }
  *each(): Generator<T> { yield* this.items; }
  handler = async (): Promise<void> => { await null; };
}
export class Small extends Shop<Item> {
  constructor() {
    super([]);
    console.log(this.size);
  }
  override left() { return 1; }
}
export namespace Deep {
  export function inner(o: Other): Map<string, number> { return new Map([[String(o), 1]]); }
}

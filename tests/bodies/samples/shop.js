"use strict";
// A shop, with everything in it that a body can be.
const rate = (n) => n * 2;
const make = () => ({ a: 1 });
const wait = async (n) => {
  await null;
  return n;
};
function total(items) {
  "use strict";
  let sum = 0;
  for (const item of items) sum += item;
  return sum;
}
function* ticks(n) {
  for (let i = 0; i < n; i++) yield i;
}
class Base {
  constructor(name) {
    this.name = name;
  }
  get title() { return this.name; }
  set title(name) {
    this.name = name;
  }
  static make() { return new Base("x"); }
  #secret() { return 1; }
  handler = () => this.#secret();
}
class Heir extends Base {
  constructor(name) {
    super(name);
    this.more = 1;
  }
}
class Wild extends Base {
  constructor(name) {
    const upper = name.toUpperCase();
    if (name) { super(upper); } else { super(""); }
  }
}
const shop = {
  total(items) { return total(items); },
  async find(n) { return n; },
  *all() { yield 1; },
  named: function named(n) { return n; },
  "by key": (n) => n,
};
[1, 2].map((n) => n + 1).filter(function (n) { return n > 1; });
if (typeof module !== "undefined") module.exports = { rate, make, wait, total, ticks, Base, Heir, Wild, shop };

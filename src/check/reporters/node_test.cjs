// A reporter of node's own test runner: writes down how each test ended, as it happens, one JSON object a line.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const REPORTS = '@REPORTS@';
const ROOT = '@ROOT@';

const relative = (file) => {
  const inside = path.relative(ROOT, file);
  return inside.startsWith('..') ? file : inside.split(path.sep).join('/');
};

const open = () => {
  for (let number = 0; ; number += 1) {
    try {
      return fs.openSync(path.join(REPORTS, `node-${process.pid}-${number}.jsonl`), 'ax');
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
};

const ending = (type, data) => {
  if (data.skip !== undefined && data.skip !== false) {
    return { outcome: 'skipped', reason: typeof data.skip === 'string' ? data.skip : undefined };
  }
  if (data.todo !== undefined && data.todo !== false) {
    return { outcome: 'skipped', reason: typeof data.todo === 'string' ? `to do: ${data.todo}` : 'to do' };
  }
  return { outcome: type === 'test:pass' ? 'passed' : 'failed' };
};

module.exports = async function* report(source) {
  const file = open();
  const { writeSync } = fs;
  const tell = (event) => writeSync(file, `${JSON.stringify(event)}\n`);
  tell({ event: 'start', runner: 'node' });
  const names = [];
  const counts = new Map();
  const errors = new Map();
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    } else if (type === 'test:stderr' && data.file !== undefined) {
      const said = errors.get(data.file) ?? '';
      if (said.length < 20000) errors.set(data.file, said + data.message);
    } else if (type === 'test:pass' || type === 'test:fail') {
      one(tell, type, data, { names, counts, errors });
    }
  }
  tell({ event: 'end' });
};

function one(tell, type, data, { names, counts, errors }) {
  const { nesting, name } = data;
  const own = path.resolve(data.file ?? process.argv[1] ?? name);
  const failure = data.details?.error;
  if (nesting === 0 && path.resolve(name) === own) {
    // The whole file. Where it reported tests of its own, it is no test beside them.
    const count = counts.get(own) ?? 0;
    if (type === 'test:fail' && count === 0) {
      const stack = errors.get(data.file) ?? String(failure?.cause?.stack ?? failure?.message ?? '');
      tell({ event: 'error', stack, target: relative(own), base: relative(process.cwd()) });
    } else if (count === 0 || (type === 'test:fail' && failure?.failureType !== 'subtestsFailed')) {
      tell({ event: 'result', test: `${relative(own)} (file)`, ...ending(type, data) });
    }
    return;
  }
  counts.set(own, (counts.get(own) ?? 0) + 1);
  const isSuite = data.details?.type === 'suite';
  if (isSuite && (type === 'test:pass' || failure?.failureType === 'subtestsFailed')) return;
  const all = [...names.slice(0, nesting), name].join(' > ');
  tell({ event: 'result', test: `${relative(own)} ${all}`, ...ending(type, data) });
}

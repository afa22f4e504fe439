// Runs first in each node program of a check: has jest and vitest report to us, as node's own runner is told by NODE_OPTIONS.
'use strict';

const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  const fs = require('node:fs');
  const path = require('node:path');

  const REPORTS = '@REPORTS@';
  const VITEST = '@VITEST@';
  // NODE_OPTIONS before we were put there: what tests start is not to be recorded.
  const BEFORE = '@BEFORE@';

  const forgetUs = () => {
    if (BEFORE === null) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = BEFORE;
  };

  // A file name that is nobody else's.
  const begin = (runner, words) => {
    for (let number = 0; ; number += 1) {
      const stem = path.join(REPORTS, `${runner}-${process.pid}-${number}`);
      try {
        fs.writeFileSync(`${stem}.start`, JSON.stringify({ cwd: process.cwd(), ...words }), { flag: 'wx' });
        return stem;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
    }
  };

  const real = (file) => {
    try {
      return fs.realpathSync(file);
    } catch {
      return String(file);
    }
  };

  // Options that would end a run early, watch, or write snapshots, with what follows them where they take something.
  const without = (args, names) => {
    const kept = [];
    for (let at = 0; at < args.length; at += 1) {
      if (!names.includes(args[at].split('=')[0])) kept.push(args[at]);
      else if (VALUES[args[at]]?.test(args[at + 1] ?? '')) at += 1;
    }
    return kept;
  };
  const VALUES = { '--bail': /^\d+$/, '-b': /^\d+$/, '--outputFile': /^[^-]/ };

  const main = process.argv[1] === undefined ? '' : real(process.argv[1]).split(path.sep).join('/');
  const args = process.argv.slice(2);
  if (process.env.NODE_TEST_CONTEXT !== undefined || process.execArgv.includes('--test')) {
    forgetUs();
  } else if (/\/(jest|jest-cli)\/bin\/jest\.js$|\/react-scripts\/scripts\/test\.js$/.test(main)) {
    if (!args.some((arg) => ['--listTests', '--showConfig', '--version', '--help', '--init'].includes(arg))) {
      const stem = begin('jest', {});
      const kept = without(args, ['--bail', '-b', '--watch', '--watchAll', '-u', '--updateSnapshot', '--outputFile']);
      const ours = ['--ci', '--json', `--outputFile=${stem}.json`, '--testLocationInResults', '--bail=0', '--watchAll=false'];
      process.argv.splice(2, args.length, ...ours, ...kept);
    }
    forgetUs();
  } else if (/\/vitest\/(vitest\.mjs|dist\/cli\.js|cli\.js)$/.test(main)) {
    if (!['list', 'bench', 'init', '--version', '-v', '--help', '-h'].includes(args[0])) {
      process.env.TIDEGATE_VITEST = begin('vitest', {});
      const command = ['run', 'watch', 'dev', 'related'].includes(args[0]) ? args.slice(0, 1) : [];
      const kept = without(args.slice(command.length), ['--bail', '--watch', '-w', '-u', '--update', '--run']);
      const screen = kept.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default'];
      process.argv.splice(2, args.length, ...command, ...screen, `--reporter=${VITEST}`, '--bail=0', '--run', ...kept);
    }
    forgetUs();
  }
}

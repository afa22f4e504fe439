// A reporter of vitest: writes down how each test ended once all are over, one JSON object a line.
import fs from 'node:fs';
import path from 'node:path';

const ROOT = '@ROOT@';
const stem = process.env.TIDEGATE_VITEST;
delete process.env.TIDEGATE_VITEST;

const relative = (file) => {
  const inside = path.relative(ROOT, file);
  return inside.startsWith('..') ? file : inside.split(path.sep).join('/');
};

export default class Recorder {
  #told = false;

  onInit(vitest) {
    this.vitest = vitest;
    // Snapshots are compared, never written.
    for (const project of [vitest, ...(vitest.projects ?? [])]) {
      const options = project?.config?.snapshotOptions;
      if (options) options.updateSnapshot = 'none';
    }
  }

  // Up to its third version, and since.
  onFinished() {
    this.#tell();
  }

  onTestRunEnd() {
    this.#tell();
  }

  #tell() {
    if (this.#told || !stem) return;
    this.#told = true;
    const lines = [{ event: 'start', runner: 'vitest' }];
    for (const file of this.vitest.state.getFiles()) {
      const name = relative(file.filepath);
      const before = lines.length;
      const walk = (task, names) => {
        for (const inner of task.tasks ?? []) {
          const all = [...names, inner.name];
          if (inner.type === 'suite') {
            walk(inner, all);
            if (inner.result?.errors?.length) {
              lines.push({ event: 'result', test: `${name} ${all.join(' > ')} (suite)`, outcome: 'failed' });
            }
          } else {
            lines.push({ event: 'result', test: `${name} ${all.join(' > ')}`, ...ending(inner) });
          }
        }
      };
      walk(file, []);
      const isEmpty = lines.length === before;
      for (const error of file.result?.errors ?? []) {
        lines.push(isEmpty ? fault(error, name) : { event: 'result', test: `${name} (file)`, outcome: 'failed' });
      }
    }
    lines.push({ event: 'end' });
    fs.writeFileSync(`${stem}.jsonl`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { flag: 'wx' });
  }
}

const ending = ({ mode, result }) => {
  if (result?.state === 'pass') return { outcome: 'passed' };
  if (result?.state === 'fail') return { outcome: 'failed' };
  if (mode === 'todo') return { outcome: 'skipped', reason: 'to do' };
  if (mode === 'skip' || result?.state === 'skip') return { outcome: 'skipped', reason: result?.note };
  return { outcome: 'unfinished' };
};

const fault = (error, file) => ({
  event: 'error',
  type: String(error.name ?? ''),
  message: String(error.message ?? error),
  stack: String(error.stack ?? '').slice(0, 20000),
  file: error.loc?.file === undefined ? undefined : relative(error.loc.file),
  line: error.loc?.line,
  target: file,
  base: relative(process.cwd()),
});

import Sequencer from '@jest/test-sequencer';

/**
 * Without the times of an earlier run, jest starts large files first, and a short file that takes half a minute may come last, when the other
 * workers have nothing left. Unit tests, of which none takes long, come behind all others.
 */
export default class extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isUnit = ({ path }) => path.includes('/test/unit/');
    return [...sorted.filter((test) => !isUnit(test)), ...sorted.filter(isUnit)];
  }
}

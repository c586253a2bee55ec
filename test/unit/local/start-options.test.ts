import { describe, expect, it } from '@jest/globals';
import { readStartOptions } from '../../../local/start-options.ts';

describe('the options of npm start', () => {
  it('are port 3000 and the page when nothing is said', () => {
    expect(readStartOptions([], {})).toEqual({ port: 3000, parameters: { docs: 'on' }, scaling: {} });
    expect(readStartOptions([], { PORT: '' })).toEqual({ port: 3000, parameters: { docs: 'on' }, scaling: {} });
  });

  it('are parameters as sls takes them', () => {
    expect(readStartOptions(['--param=memory=3008', '--param', 'models=a,b', '--param=x=1=2'], {}).parameters).toEqual({
      docs: 'on',
      memory: '3008',
      models: 'a,b',
      x: '1=2',
    });
  });

  it('are the parameter auth when AUTH is set, unless the parameter itself is', () => {
    expect(readStartOptions([], { AUTH: 'key' }).parameters).toEqual({ docs: 'on', auth: 'key' });
    expect(readStartOptions(['--param=auth=none'], { AUTH: 'key' }).parameters).toEqual({ docs: 'on', auth: 'none' });
  });

  it('take the last value of a parameter that comes twice', () => {
    expect(readStartOptions(['--param=memory=1', '--param=memory=2'], {}).parameters).toEqual({
      docs: 'on',
      memory: '2',
    });
    expect(readStartOptions(['--param=docs=off'], {}).parameters).toEqual({ docs: 'off' });
  });

  it('are the processes of each function', () => {
    expect(readStartOptions([], { ENVIRONMENTS: '8', IDLE_SECONDS: '5' }).scaling).toEqual({
      ...{ environments: 8, idleMs: 5000 },
    });
    for (const text of ['0', '101', 'many', '-1', '2.5'])
      expect(() => readStartOptions([], { ENVIRONMENTS: text })).toThrow(`ENVIRONMENTS is ${text}, expected a number`);
  });

  it.each([
    [['--param=memory'], '--param memory: expected npm start -- --param="<name>=<value>"'],
    [['--param==5'], '--param =5: expected'],
    [['--param=memory='], '--param memory=: expected'],
    [['--param'], "Option '--param <value>' argument missing: expected"],
    [['--params=memory=1'], "Unknown option '--params': expected"],
    [['memory=1'], "Unexpected argument 'memory=1': expected"],
  ])('refuse %j', (args, message) => {
    expect(() => readStartOptions(args, {})).toThrow(message);
  });

  it.each(['three', '-1', '65536', '1.5'])('refuse the port %s', (port) => {
    expect(() => readStartOptions([], { PORT: port })).toThrow(`PORT is ${port}, expected a number from 0 to 65535`);
  });
});

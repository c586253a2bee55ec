import { describe, expect, it } from '@jest/globals';
import { scheduleEvents } from '../../../../local/events/schedule-events.ts';
import type { Clock } from '../../../../local/schedule/clock.ts';

/** Time goes on only when a test says so. */
class TestClock implements Clock {
  #now = new Date('2026-03-04T08:00:30.500Z');
  readonly #timers = new Map<symbol, { readonly time: Date; readonly run: () => void }>();

  now(): Date {
    return this.#now;
  }

  at(time: Date, run: () => void): () => void {
    const timer = Symbol();
    this.#timers.set(timer, { time, run });
    return () => this.#timers.delete(timer);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  goTo(time: string): void {
    this.#now = new Date(time);
    for (;;) {
      const due = [...this.#timers].find(([, timer]) => timer.time <= this.#now);
      if (!due) return;
      this.#timers.delete(due[0]);
      due[1].run();
    }
  }
}

interface Invocation {
  readonly functionName: string;
  readonly event: unknown;
}

const start = async (value: unknown, fails = false) => {
  const clock = new TestClock();
  const invocations: Invocation[] = [];
  const failures: string[] = [];
  const event = { functionName: 'clean', kind: 'schedule', value };
  const started = await scheduleEvents([event], { queues: [], authorizers: {}, cors: { urls: {}, buckets: {} } })({
    aws: { endpoint: '', queueUrl: () => '', stop: async () => undefined },
    port: 0,
    addresses: { endpoint: '', functionUrls: {} },
    clock,
    invocable: (functionName) => ({
      invoke: async (event) => {
        invocations.push({ functionName, event });
        if (fails) throw new Error('the function failed');
      },
      invokeStreaming: () => Promise.reject(new Error('a schedule takes no stream')),
    }),
    onFailure: (functionName, error) => failures.push(`${functionName}: ${error}`),
  });
  return { clock, invocations, failures, started };
};

describe('a schedule', () => {
  it('runs at its times and not at the start', async () => {
    const { clock, invocations } = await start('cron(0/10 * * * ? *)');
    expect(invocations).toEqual([]);
    clock.goTo('2026-03-04T08:09:59Z');
    expect(invocations).toEqual([]);
    clock.goTo('2026-03-04T08:10:00Z');
    clock.goTo('2026-03-04T08:20:00.250Z');
    expect(invocations).toHaveLength(2);
  });

  it('gives its function the event of EventBridge', async () => {
    const { clock, invocations } = await start('rate(1 minute)');
    clock.goTo('2026-03-04T08:02:00Z');
    expect(invocations).toEqual([
      {
        functionName: 'clean',
        event: {
          version: '0',
          id: expect.stringMatching(/^[\da-f-]{36}$/),
          'detail-type': 'Scheduled Event',
          source: 'aws.events',
          account: '000000000000',
          time: '2026-03-04T08:01:30Z',
          region: 'us-east-1',
          resources: ['arn:aws:events:us-east-1:000000000000:rule/clean-schedule'],
          detail: {},
        },
      },
    ]);
  });

  it.each([
    [{ a: [1] }, { a: [1] }],
    ['{"b": 2}', { b: 2 }],
  ])('gives its function the input %j instead', async (input, expected) => {
    const { clock, invocations } = await start({ rate: 'rate(1 minute)', input });
    clock.goTo('2026-03-04T08:02:00Z');
    expect(invocations.map(({ event }) => event)).toEqual([expected]);
  });

  it('may have several expressions, and is listed by them', async () => {
    const { clock, invocations, started } = await start({ rate: ['rate(2 minutes)', 'cron(5 * * * ? *)'] });
    clock.goTo('2026-03-04T08:02:30.500Z');
    clock.goTo('2026-03-04T08:04:30.500Z');
    clock.goTo('2026-03-04T08:05:00Z');
    expect(invocations).toHaveLength(3);
    expect(started.served).toEqual([
      { functionName: 'clean', description: 'rate(2 minutes)' },
      { functionName: 'clean', description: 'cron(5 * * * ? *)' },
    ]);
  });

  it('runs once for all the times that a sleeping machine missed', async () => {
    const { clock, invocations } = await start('rate(1 minute)');
    clock.goTo('2026-03-05T08:00:00Z');
    expect(invocations).toHaveLength(1);
  });

  it('does not run when it is not enabled', async () => {
    const { clock, started } = await start({ rate: 'rate(1 minute)', enabled: false });
    expect(clock.waiting).toBe(0);
    expect(started.served).toEqual([]);
  });

  it('goes on after a failure, which it tells of', async () => {
    const { clock, invocations, failures } = await start('rate(1 minute)', true);
    clock.goTo('2026-03-04T08:01:30.500Z');
    clock.goTo('2026-03-04T08:02:30.500Z');
    await new Promise(setImmediate);
    expect(invocations).toHaveLength(2);
    expect(failures).toEqual(['clean: Error: the function failed', 'clean: Error: the function failed']);
  });

  it('ends when it is stopped', async () => {
    const { clock, started } = await start('rate(1 minute)');
    expect(clock.waiting).toBe(1);
    await started.stop();
    expect(clock.waiting).toBe(0);
  });
});

import { describe, expect, it } from '@jest/globals';
import { changesByItself, parseCapacity, toScalingResources } from '../../../src/deployment/capacity.ts';

/** The defaults of serverless.yml. */
const DEFAULTS = {
  ...{ provisioned: 0, schedule: '', timezone: 'UTC', leadMinutes: 5, most: 0, utilisation: 0.7 },
  ...{ reserved: null, uploads: 5, jobs: 2, bulk: null, webhooks: 2, account: 10 },
};
const parse = (given: object) => parseCapacity({ ...DEFAULTS, ...given });
const PLACE = { functionId: 'F', aliasId: 'A' };

describe('the capacity of a stage', () => {
  it('changes by itself with a schedule or a maximum alone', () => {
    expect(changesByItself(parse({}))).toBe(false);
    expect(changesByItself(parse({ provisioned: '3' }))).toBe(false);
    expect(changesByItself(parse({ schedule: 'mon 8-9: 1' }))).toBe(true);
    expect(Object.keys(toScalingResources(parse({ provisioned: '3', most: '4' }), PLACE))).toEqual([
      'ATarget',
      'APolicy',
    ]);
    expect(Object.keys(toScalingResources(parse({ schedule: 'mon 8-9: 1' }), PLACE))).toEqual(['ATarget']);
  });

  it('is kept from the deployment on by a schedule of all hours', () => {
    const { ATarget } = toScalingResources(parse({ schedule: 'daily 0-24: 3' }), PLACE);
    expect(ATarget).toMatchObject({ Properties: { MinCapacity: 3, MaxCapacity: 3 } });
    expect(ATarget).not.toHaveProperty('Properties.ScheduledActions');
  });

  it('grows by need within a window alone when nothing is kept outside of it', () => {
    const { ATarget } = toScalingResources(parse({ schedule: 'mon 8-9: 2', most: 6 }), PLACE);
    expect(ATarget).toMatchObject({
      Properties: {
        ...{ MinCapacity: 0, MaxCapacity: 0 },
        ScheduledActions: [
          { ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 6 } },
          { ScalableTargetAction: { MinCapacity: 0, MaxCapacity: 0 } },
        ],
      },
    });
  });

  it.each([
    [{ schedule: 'mon 8-9' }, /provisionedSchedule has "mon 8-9"/],
    [{ schedule: 'mon 8-9: 2', provisioned: 2 }, /keeps 2; provisionedConcurrency keeps 2 always/],
    [{ most: 5 }, /provisionedMaximum is 5, but nothing is kept from which to grow/],
    [{ most: 5, provisioned: 6 }, /provisionedMaximum is 5, less than the 6 that are kept/],
    [{ provisioned: -1 }, /provisionedConcurrency is -1, expected a whole number from 0/],
    [{ reserved: '3', schedule: 'mon 8-9: 4' }, /reservedConcurrency is 3, less than the 4 environments to keep/],
    [{ timezone: 'Mars/Olympus' }, /scheduleTimezone is "Mars\/Olympus", expected the name of a time zone/],
    [{ timezone: '+01:00' }, /scheduleTimezone is "\+01:00", expected the name of a time zone/],
    [{ utilisation: '70%' }, /provisionedUtilisation is "70%", expected a share from 0.1 to 0.9/],
    [{ leadMinutes: 90 }, /scheduleLead is 90, expected a whole number from 0 to 60/],
    [{ uploads: 1 }, /uploadConcurrency is 1, expected a whole number from 2/],
    [{ jobs: 5 }, /are 12 environments, and leave none of the account's 10 to requests/],
    [{ bulk: 1 }, /bulkConcurrency 1 and 2 of webhooks are 10 environments, and leave none/],
  ])('refuses %j', (given, message) => {
    expect(() => parse(given)).toThrow(message);
  });
});

import { DAY_MINUTES } from '../../deployment/weekly-schedule.ts';

/** Days that a schedule treats alike, and hours of them. */
export const SLOT_HOURS = 24;
export type DayClasses = readonly ['daily'] | readonly ['weekdays', 'weekends'];

const FRIDAY = 4;

/** A week or more tells working days from others. */
export const classesOf = (days: number): DayClasses => (days < 7 ? ['daily'] : ['weekdays', 'weekends']);

/** The hour of a class of days to which a minute of the week belongs. */
export const slotOf = (classes: DayClasses, minute: number): number => {
  const isWeekend = classes.length > 1 && Math.floor(minute / DAY_MINUTES) > FRIDAY;
  return (isWeekend ? SLOT_HOURS : 0) + Math.floor((minute % DAY_MINUTES) / 60);
};

/** `8-18: 5` for each run of hours with the same number of environments. */
const windowsOf = (environments: readonly number[]): string[] => {
  const windows: string[] = [];
  for (let from = 0; from < environments.length; ) {
    let to = from + 1;
    while (to < environments.length && environments[to] === environments[from]) to += 1;
    if (environments[from] !== 0) windows.push(`${from}-${to}: ${environments[from]}`);
    from = to;
  }
  return windows;
};

/** The schedule in the words of `provisionedSchedule`: `weekdays 8-18: 5; weekends 10-14: 2`. */
export const describeSlots = (classes: DayClasses, environments: readonly number[]): string => {
  const parts = classes.map((name, index) => ({
    name,
    windows: windowsOf(environments.slice(index * SLOT_HOURS, (index + 1) * SLOT_HOURS)),
  }));
  const [first, second] = parts;
  const isSame = first !== undefined && second !== undefined && first.windows.join() === second.windows.join();
  const distinct = isSame ? [{ ...first, name: 'daily' }] : parts;
  return distinct.flatMap(({ name, windows }) => windows.map((window) => `${name} ${window}`)).join('; ');
};

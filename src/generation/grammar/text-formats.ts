const DAY = '("0" [1-9] | "1" [0-9] | "2" [0-8])';
const LATE =
  '("01" | "03" | "05" | "07" | "08" | "10" | "12") "-" ("29" | "30" | "31") | ("04" | "06" | "09" | "11") "-" ("29" | "30")';
const MONTH = '("0" [1-9] | "1" [0-2])';
const DATE = `[0-9]{4} "-" (${MONTH} "-" ${DAY} | ${LATE})`;
const HOUR = '([01] [0-9] | "2" [0-3])';
const TIME = `${HOUR} ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+\\-] ${HOUR} ":" [0-5] [0-9])`;
const BYTE = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9])';
const LABEL = '[a-z] ([a-z0-9]{0,20} "-" [a-z0-9]{1,10} | [a-z0-9]{0,30})';
const HOST = `${LABEL} ("." ${LABEL}){0,5}`;
const GROUP = '[0-9a-f]{1,4}';

/** Texts of the formats of JSON Schema, as bodies of rules. Each gives valid texts, and not all: no leap day, no leap second. */
export const TEXT_FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', DATE],
  ['time', TIME],
  ['date-time', `(${DATE}) "T" ${TIME}`],
  ['duration', '"P" ([0-9]{1,4} "D" | "T" [0-9]{1,4} [HMS] | [0-9]{1,3} "DT" [0-9]{1,3} [HMS] | [0-9]{1,3} [WMY])'],
  ['email', `[a-z0-9] [a-z0-9_]{0,30} ("." [a-z0-9_]{1,20}){0,2} "@" ${LABEL} ("." ${LABEL}){1,3}`],
  ['hostname', HOST],
  ['ipv4', `${BYTE} ("." ${BYTE}){3}`],
  ['ipv6', `${GROUP} (":" ${GROUP}){7}`],
  ['uuid', '[0-9a-f]{8} ("-" [0-9a-f]{4}){3} "-" [0-9a-f]{12}'],
  ['uri', `"http" "s"? "://" ${HOST} ("/" [a-zA-Z0-9_.~\\-]{1,40}){0,8} "/"? ("?" [a-zA-Z0-9_=\\-]{1,40})?`],
]);
